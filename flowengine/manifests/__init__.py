"""What a service can do: Microsoft's two files, read into operations, parameters and schemas. Pure, but for reading the files."""
