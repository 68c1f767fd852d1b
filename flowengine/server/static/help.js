// The help beside the editor: what the server says of the word at the cursor, and the reference of the operation around it.
// Only text is ever put on the page from the server's Markdown; the operation's part is a page of ours, finished and escaped.

const at = (name) => document.getElementById(name);
const PAUSE = 180;
const operations = new Map();

let waiting = 0;
let newest = 0;
let shown = "";

function element(name, ...content) {
  const made = document.createElement(name);
  made.append(...content);
  return made;
}

// `code` and **strong**: all that the server's Markdown has within a line.
function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((part) => {
    if (part.startsWith("`") && part.endsWith("`") && part.length > 2) return element("code", part.slice(1, -1));
    if (part.startsWith("**") && part.length > 4) return element("b", part.slice(2, -2));
    return part;
  });
}

// Paragraphs, lists and fenced code.
function rendered(markdown) {
  const made = [];
  for (const [index, block] of markdown.split(/^```\w*\n?/m).entries()) {
    if (index % 2) {
      made.push(element("pre", block.replace(/\n$/, "")));
      continue;
    }
    for (const paragraph of block.split(/\n{2,}/).filter((one) => one.trim())) {
      const lines = paragraph.trim().split("\n");
      if (lines.every((one) => one.startsWith("- "))) made.push(element("ul", ...lines.map((one) => element("li", ...inline(one.slice(2))))));
      else made.push(element("p", ...inline(paragraph.trim())));
    }
  }
  return made;
}

// The reference of an operation, asked for once; null when there is none of that name.
async function reference(use) {
  if (!operations.has(use)) {
    const [connector, operation] = use.split(".");
    const address = `/connectors/${encodeURIComponent(connector)}/${encodeURIComponent(operation)}`;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      const page = answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
      operations.set(use, page && { address, content: page.getElementById("operation"), title: page.querySelector("h1").textContent });
    } catch {
      return null;
    }
  }
  return operations.get(use);
}

function showOperation(use, found) {
  at("help-reference").hidden = !found;
  if (found) at("help-reference").href = found.address;
  if (shown === use) return;
  shown = use;
  at("help-operation").replaceChildren(
    ...(found ? [element("h3", `${found.title} (${use})`), ...document.importNode(found.content, true).childNodes] : []),
  );
  at("help-inside").scrollTop = 0;
}

// The row of the parameter that the cursor is in, or of the nearest one above it.
function markParameter(path) {
  const rows = [...at("help-operation").querySelectorAll("[data-parameter]")];
  const fits = (row) => path === row.dataset.parameter || path.startsWith(`${row.dataset.parameter}.`) || row.dataset.parameter.startsWith(`${path}.`);
  const chosen = path ? rows.find((row) => row.dataset.parameter === path) ?? rows.find(fits) : undefined;
  for (const row of rows) row.toggleAttribute("aria-current", row === chosen);
  if (!chosen) return;
  chosen.setAttribute("aria-current", "true");
  const inside = at("help-inside");
  const { top, bottom } = chosen.getBoundingClientRect();
  const edge = inside.getBoundingClientRect();
  if (top < edge.top || bottom > edge.bottom) inside.scrollTop += top - edge.top - 40;
}

async function show(asking) {
  const turn = ++newest;
  const answer = await asking();
  if (turn !== newest || answer.error) return;
  const found = answer.use.includes(".") && !answer.use.endsWith(".") ? await reference(answer.use) : null;
  if (turn !== newest) return;
  // Beside the reference, what the server says of the operation itself would be said twice.
  const same = found && answer.about.startsWith(`**${answer.use}**`);
  at("help-about").replaceChildren(...rendered(same ? "" : answer.about));
  showOperation(found ? answer.use : "", found);
  markParameter(answer.parameter);
  at("help-none").hidden = Boolean(found || answer.about);
}

export const help = {
  // Look once the cursor has stood still for a moment; answers that come too late are let go.
  look(asking) {
    clearTimeout(waiting);
    waiting = setTimeout(() => show(asking), PAUSE);
  },
};
