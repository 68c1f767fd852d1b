// What a page gains where scripts run: the reader's own time zone, copying, choosing all rows. Nothing depends on it.
"use strict";

(() => {
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  const pad = (number) => String(number).padStart(2, "0");
  const written = (at) =>
    `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;

  function localise(root) {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const at = new Date(element.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      element.title = full.format(at);
      if (element.classList.contains("clock")) element.textContent = written(at);
    }
  }

  function addCopying(root) {
    if (!navigator.clipboard) return;
    for (const element of root.querySelectorAll("[data-copy]:not([data-ready])")) {
      element.dataset.ready = "";
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet small";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(element.textContent.trim());
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      element.after(button);
    }
  }

  function addChoosingAll(root) {
    for (const box of root.querySelectorAll("input[data-all]:not([data-ready])")) {
      box.dataset.ready = "";
      box.hidden = false;
      box.addEventListener("change", () => {
        for (const one of document.querySelectorAll(`input[name="${box.dataset.all}"]`)) one.checked = box.checked;
      });
    }
  }

  function prepare(root) {
    localise(root);
    addCopying(root);
    addChoosingAll(root);
  }

  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
  document.addEventListener("htmx:sseOpen", () => document.body.classList.add("is-live"));
  document.addEventListener("htmx:sseError", () => document.body.classList.remove("is-live"));
  // A filter that changes is applied at once; without scripts, or unfolded on a narrow screen, there is the button.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-at-once]");
    if (form && !form.previousElementSibling?.open) form.requestSubmit();
  });
  prepare(document);
})();
