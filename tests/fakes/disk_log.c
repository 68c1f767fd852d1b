/* Writes down everything that a process does to the files of one folder, in order, with its contents and when it was done.

   LD_PRELOAD=disk_log.so DISK_LOG=file DISK_LOG_FOLDER=/folder program

   One record an operation; tests/fakes/power_cut.py reads them. A write is on record with what was really written. An fsync is
   on record twice, when it begins and when it has returned: only what was written before it began is sure to be on disk
   after it. Files that are mapped into memory are not seen; SQLite maps only its -shm file, which it makes anew. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MOST 4096

struct entry {
    uint64_t at; /* CLOCK_MONOTONIC, nanoseconds */
    uint64_t file; /* inode */
    int64_t offset; /* of a write; the size of a truncation; the number that pairs the two records of an fsync */
    uint32_t kind;
    uint32_t name_length;
    uint32_t data_length;
    uint32_t unused;
};

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static uint64_t watched[MOST]; /* the inode of each open file of the folder */
static char folder[PATH_MAX];
static size_t folder_length;
static int log_file = -1;
static int64_t syncs;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

__attribute__((constructor)) static void begin(void)
{
    const char *place = getenv("DISK_LOG"), *where = getenv("DISK_LOG_FOLDER");
    if (!place || !where || !realpath(where, folder)) return;
    folder_length = strlen(folder);
    int (*real_open)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    log_file = real_open(place, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static uint64_t now(void)
{
    struct timespec found;
    clock_gettime(CLOCK_MONOTONIC, &found);
    return (uint64_t)found.tv_sec * 1000000000u + (uint64_t)found.tv_nsec;
}

static void note(char kind, uint64_t at, uint64_t file, int64_t offset, const char *name, const void *data, size_t length)
{
    struct entry said = {at, file, offset, (uint32_t)kind, name ? (uint32_t)strlen(name) : 0, (uint32_t)length, 0};
    struct iovec parts[3] = {{&said, sizeof said}, {(void *)name, said.name_length}, {(void *)data, length}};
    ssize_t written = writev(log_file, parts, 3);
    if (written != (ssize_t)(sizeof said + said.name_length + length)) abort();
}

/* The path within the folder; NULL when it lies elsewhere. The folder itself is the empty path. */
static const char *within(const char *path, char *room)
{
    if (strncmp(path, folder, folder_length)) return NULL;
    if (!path[folder_length]) return strcpy(room, "");
    return path[folder_length] == '/' ? strcpy(room, path + folder_length + 1) : NULL;
}

static const char *place_of(int directory, const char *path, char *room)
{
    char whole[PATH_MAX], parent[PATH_MAX];
    if (log_file < 0) return NULL;
    if (path[0] != '/' && directory != AT_FDCWD) return NULL;
    const char *last = strrchr(path, '/');
    size_t length = last ? (size_t)(last - path) : 0;
    if (length >= sizeof parent) return NULL;
    memcpy(parent, last ? path : ".", last ? length : 1);
    parent[last ? length : 1] = 0;
    if (!realpath(parent[0] ? parent : "/", whole)) return NULL;
    if (strlen(whole) + strlen(last ? last : path) + 2 > sizeof whole) return NULL;
    strcat(strcat(whole, "/"), last ? last + 1 : path);
    return within(whole, room);
}

static void opened(int fd, int existed, int flags)
{
    char link[64], path[PATH_MAX], room[PATH_MAX];
    struct stat found;
    if (fd < 0 || fd >= MOST || log_file < 0) return;
    watched[fd] = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    const char *name = within(path, room);
    if (!name || fstat(fd, &found)) return;
    watched[fd] = found.st_ino;
    if (!existed) note('C', now(), found.st_ino, 0, name, NULL, 0);
    else if (flags & O_TRUNC) note('T', now(), found.st_ino, 0, NULL, NULL, 0);
}

static int open_any(const char *how, int directory, const char *path, int flags, mode_t mode)
{
    REAL(int, "openat64", int, const char *, int, ...);
    (void)how;
    if (log_file < 0) return real(directory, path, flags, mode);
    pthread_mutex_lock(&order);
    int existed = !(flags & O_CREAT) || faccessat(directory, path, F_OK, 0) == 0;
    int fd = real(directory, path, flags, mode);
    opened(fd, existed, flags);
    pthread_mutex_unlock(&order);
    return fd;
}

#define MODE(last) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, last); mode = va_arg(more, mode_t); va_end(more); }

int open(const char *path, int flags, ...) { MODE(flags) return open_any("open", AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_any("open64", AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return open_any("openat", at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_any("openat64", at, path, flags, mode); }

static uint64_t file_of(int fd) { return log_file >= 0 && fd >= 0 && fd < MOST ? watched[fd] : 0; }

int close(int fd)
{
    REAL(int, "close", int);
    if (file_of(fd)) watched[fd] = 0;
    return real(fd);
}

ssize_t write(int fd, const void *data, size_t length)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    uint64_t file = file_of(fd);
    if (!file) return real(fd, data, length);
    pthread_mutex_lock(&order);
    uint64_t at = now();
    ssize_t done = real(fd, data, length);
    if (done > 0) note('W', at, file, lseek(fd, 0, SEEK_CUR) - done, NULL, data, (size_t)done);
    pthread_mutex_unlock(&order);
    return done;
}

static ssize_t write_at(int fd, const void *data, size_t length, off64_t offset)
{
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    uint64_t file = file_of(fd);
    if (!file) return real(fd, data, length, offset);
    pthread_mutex_lock(&order);
    uint64_t at = now();
    ssize_t done = real(fd, data, length, offset);
    if (done > 0) note('W', at, file, offset, NULL, data, (size_t)done);
    pthread_mutex_unlock(&order);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return write_at(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { return write_at(fd, data, length, offset); }

static int truncate_to(int fd, off64_t size)
{
    REAL(int, "ftruncate64", int, off64_t);
    uint64_t file = file_of(fd);
    if (!file) return real(fd, size);
    pthread_mutex_lock(&order);
    uint64_t at = now();
    int failed = real(fd, size);
    if (!failed) note('T', at, file, size, NULL, NULL, 0);
    pthread_mutex_unlock(&order);
    return failed;
}

int ftruncate(int fd, off_t size) { return truncate_to(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncate_to(fd, size); }

static int synced(int (*real)(int), int fd)
{
    uint64_t file = file_of(fd);
    if (!file) return real(fd);
    pthread_mutex_lock(&order);
    int64_t number = ((int64_t)getpid() << 32) + ++syncs;
    note('S', now(), file, number, NULL, NULL, 0);
    pthread_mutex_unlock(&order);
    int failed = real(fd);
    pthread_mutex_lock(&order);
    if (!failed) note('E', now(), file, number, NULL, NULL, 0);
    pthread_mutex_unlock(&order);
    return failed;
}

int fsync(int fd) { REAL(int, "fsync", int); return synced(real, fd); }
int fdatasync(int fd) { REAL(int, "fdatasync", int); return synced(real, fd); }

static int named(int failed, char kind, uint64_t at, const char *from, const char *to)
{
    struct stat found;
    char whole[PATH_MAX * 2];
    if (failed || (!from && !to)) return failed;
    snprintf(whole, sizeof whole, "%s/%s", folder, to ? to : "");
    note(kind, at, to && !lstat(whole, &found) ? found.st_ino : 0, 0, from ? from : "", to ? to : "", to ? strlen(to) : 0);
    return failed;
}

#define NAMING(call, kind, first, second) \
    char one[PATH_MAX], two[PATH_MAX]; \
    const char *from = first, *to = second; \
    pthread_mutex_lock(&order); \
    uint64_t at = now(); \
    int failed = named(call, kind, at, from, to); \
    pthread_mutex_unlock(&order); \
    return failed

int unlink(const char *path)
{
    REAL(int, "unlink", const char *);
    NAMING(real(path), 'U', place_of(AT_FDCWD, path, one), NULL);
    (void)two;
}

int unlinkat(int at_folder, const char *path, int flags)
{
    REAL(int, "unlinkat", int, const char *, int);
    NAMING(real(at_folder, path, flags), 'U', place_of(at_folder, path, one), NULL);
    (void)two;
}

int rename(const char *old, const char *new)
{
    REAL(int, "rename", const char *, const char *);
    NAMING(real(old, new), 'R', place_of(AT_FDCWD, old, one), place_of(AT_FDCWD, new, two));
}

int link(const char *old, const char *new)
{
    REAL(int, "link", const char *, const char *);
    NAMING(real(old, new), 'L', place_of(AT_FDCWD, old, one), place_of(AT_FDCWD, new, two));
}

int linkat(int from_folder, const char *old, int to_folder, const char *new, int flags)
{
    REAL(int, "linkat", int, const char *, int, const char *, int);
    NAMING(real(from_folder, old, to_folder, new, flags), 'L', place_of(from_folder, old, one), place_of(to_folder, new, two));
}
