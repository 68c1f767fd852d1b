// The editor of a flow's file: what is wrong and what could be written comes from the server as one types, and saving never
// goes over somebody else's change. The styles live in a shadow root, so that the page's strict policy for styles holds.
import {
  EditorState, EditorView, keymap, lineNumbers, highlightActiveLine, highlightActiveLineGutter, drawSelection,
  highlightSpecialChars, defaultKeymap, history, historyKeymap, indentWithTab, HighlightStyle, syntaxHighlighting,
  indentUnit, bracketMatching, autocompletion, completionKeymap, linter, lintGutter, lintKeymap, forceLinting,
  search, searchKeymap, highlightSelectionMatches, yaml, tags,
} from "./vendor/codemirror.js";

import { help } from "./help.js";

const page = document.getElementById("editor");
const flow = page.dataset.flow;
const at = (name) => document.getElementById(name);
const address = (rest) => `/api/v1/flows/${encodeURIComponent(flow)}/${rest}`;

async function ask(method, path, body) {
  const request = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  try {
    const answer = await fetch(path, request);
    return { status: answer.status, ...(await answer.json()) };
  } catch {
    return { status: 0, error: { message: "The server does not answer. Your text is still here." } };
  }
}

const state = { hash: null, saved: "", separator: "\n" };
const text = () => view.state.doc.toString().replaceAll("\n", state.separator);

// Places: the server counts lines and columns from 1 in characters, the editor in UTF-16 units from the beginning.
function offset(doc, line, column) {
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const signs = Array.from(found.text).slice(0, column - 1).join("");
  return found.from + signs.length;
}

function place(doc, position) {
  const line = doc.lineAt(position);
  return { line: line.number, column: Array.from(line.text.slice(0, position - line.from)).length + 1, from: line.from };
}

async function findings(current) {
  const answer = await ask("POST", "/api/v1/check", { text: text(), flow });
  if (!answer.findings) return [];
  showFindings(answer.findings);
  const doc = current.state.doc;
  return answer.findings.map((one) => {
    const from = offset(doc, one.line, one.column);
    const to = Math.max(offset(doc, one.end_line, one.end_column), Math.min(from + 1, doc.length));
    const said = one.hint ? `${one.message}; ${one.hint}` : one.message;
    return { from, to, severity: one.severity, message: said, source: one.rule };
  });
}

async function completions(context) {
  const before = context.matchBefore(/[\w.]*/);
  if (!context.explicit && before && before.from === before.to && !/[:.|\s-]$/.test(context.state.sliceDoc(context.pos - 1, context.pos))) return null;
  const { line, column } = place(context.state.doc, context.pos);
  const answer = await ask("POST", "/api/v1/complete", { text: context.state.doc.toString(), line, column, flow });
  if (!answer.completions || !answer.completions.length || context.aborted) return null;
  const kinds = { key: "property", value: "enum", operation: "function", connector: "namespace", name: "variable", field: "property", filter: "method", function: "function", test: "keyword", file: "text" };
  return {
    from: offset(context.state.doc, line, answer.completions[0].from_column),
    options: answer.completions.map((one) => ({ label: one.label, apply: one.insert, info: one.detail || undefined, type: kinds[one.kind] })),
    validFor: /^[\w]*$/,
  };
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--wait)" },
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.meta], color: "var(--soft)" },
]);

const looks = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--sheet)", fontSize: "13px", height: "100%" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--text)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--sunk)", color: "var(--soft)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 25%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--sheet)", color: "var(--text)", border: "1px solid var(--line-strong)", borderRadius: "6px", maxWidth: "min(34rem, 90vw)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-completionInfo": { padding: "6px 10px" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--wait)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--wait)", textUnderlineOffset: "3px" },
  ".cm-lint-marker": { content: "normal", fontWeight: "700", lineHeight: "1.55" },
  ".cm-lint-marker-error": { content: "normal", color: "var(--bad)" },
  ".cm-lint-marker-warning": { content: "normal", color: "var(--wait)" },
  ".cm-lint-marker-error::before": { content: '"✕"' },
  ".cm-lint-marker-warning::before": { content: '"!"' },
  ".cm-panels": { backgroundColor: "var(--sunk)", color: "var(--text)" },
});

const root = at("text").attachShadow({ mode: "open" });
const holder = document.createElement("div");
holder.style.height = "100%";
root.append(holder);

function begin(content) {
  return EditorState.create({
    doc: content.replaceAll("\r\n", "\n"),
    extensions: [
      lineNumbers(), highlightActiveLineGutter(), highlightActiveLine(), highlightSpecialChars(), history(), drawSelection(),
      bracketMatching(), indentUnit.of("  "), EditorState.tabSize.of(2), yaml(), syntaxHighlighting(colours), looks,
      autocompletion({ override: [completions], activateOnTypingDelay: 250 }), search({ top: true }), highlightSelectionMatches(),
      linter(findings, { delay: 400 }), lintGutter(),
      keymap.of([
        { key: "Mod-Enter", run: () => { tryIt(); return true; } },
        { key: "Mod-Shift-d", run: () => { if (!at("compare").disabled) compare(); return true; } },
        { key: "F1", run: () => { at("help-inside").focus(); return true; } },
        { key: "Mod-s", run: () => { save(false); return true; } },
        ...completionKeymap, ...lintKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab,
      ]),
      EditorView.contentAttributes.of({ tabindex: "0", "aria-label": `The text of ${flow}. Escape, then Tab leaves the editor.` }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) mark();
        if (update.docChanged || update.selectionSet) helped();
      }),
      EditorView.editable.of(true),
    ],
  });
}

const view = new EditorView({ state: begin(""), parent: holder, root });

function mark() {
  const changed = text() !== state.saved;
  at("save").disabled = !changed && state.hash !== null;
  at("state").textContent = changed ? "Not saved" : state.hash ? "Saved" : "New";
  at("compare").disabled = !changed || state.hash === null;
}

function take(source, content = source.text) {
  state.hash = source.hash;
  state.saved = source.text;
  // One line ending throughout is kept as it is; a file that mixes them is left to other editors.
  state.separator = source.text.includes("\r\n") && !/[^\r]\n/.test(source.text) ? "\r\n" : "\n";
  if (view.state.doc.toString() !== content.replaceAll("\r\n", "\n")) view.setState(begin(content));
  mark();
}

function say(message, tone = "") {
  at("told").textContent = message;
  at("told").className = `told ${tone}`;
  at("told").hidden = !message;
}

function line(name, content) {
  const made = document.createElement(name);
  made.textContent = content;
  return made;
}

const counted = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

function helped() {
  const { line, column } = place(view.state.doc, view.state.selection.main.head);
  help.look(() => ask("POST", "/api/v1/help", { text: view.state.doc.toString(), line, column, flow }));
}

function showFindings(found) {
  at("findings-inside").hidden = !found.length;
  const errors = found.filter((one) => one.severity === "error").length;
  at("count").textContent = found.length ? `${counted(errors, "mistake")}, ${counted(found.length - errors, "warning")}` : "nothing to mend";
  at("findings").replaceChildren(...found.map((one) => {
    const item = document.createElement("li");
    const link = line("button", `${one.severity === "error" ? "✕" : "!"} line ${one.line}: ${one.message}`);
    link.type = "button";
    link.className = `quiet finding ${one.severity}`;
    link.addEventListener("click", () => {
      const to = offset(view.state.doc, one.line, one.column);
      view.dispatch({ selection: { anchor: to }, effects: EditorView.scrollIntoView(to, { y: "center" }) });
      view.focus();
    });
    item.append(link);
    if (one.hint) item.append(line("p", one.hint));
    return item;
  }));
}

function showDiff(told) {
  at("difference").hidden = false;
  at("diff").replaceChildren(...(told || "Nothing would change.\n").split("\n").map((one) => {
    const made = line("span", `${one}\n`);
    if (/^\+(?!\+\+)/.test(one)) made.className = "added";
    if (/^-(?!--)/.test(one)) made.className = "removed";
    return made;
  }));
}

async function save(anyway) {
  const content = text();
  say("");
  at("conflict").hidden = at("anyway").hidden = true;
  const answer = await ask("PUT", address("source"), { text: content, hash: state.hash, anyway });
  if (answer.status === 200) {
    state.hash = answer.source.hash;
    state.saved = answer.source.text;
    mark();
    at("difference").hidden = true;
    say(answer.flow.valid ? `Saved. Version ${answer.flow.version} is in force.` : "Saved with mistakes; the version before stays in force.", answer.flow.valid ? "good" : "wait");
  } else if (answer.status === 409 && answer.error.code === "changed_meanwhile") {
    at("conflict").hidden = false;
    at("conflict").theirs = answer.theirs;
    say(answer.error.message, "bad");
    if (answer.theirs) await compare();
  } else {
    if (answer.findings) {
      showFindings(answer.findings);
      forceLinting(view);
      at("anyway").hidden = false;
    }
    say(answer.error.message, "bad");
  }
}

async function compare() {
  const answer = await ask("POST", address("compare"), { text: text() });
  if (answer.diff !== undefined) showDiff(answer.diff);
  else say(answer.error.message, "bad");
}

async function tryIt() {
  let event;
  try {
    event = at("event").value.trim() ? JSON.parse(at("event").value) : null;
  } catch (error) {
    at("came").textContent = `The event is not JSON: ${error.message}`;
    return;
  }
  at("came").textContent = "…";
  const answer = await ask("POST", address("try"), { text: text(), event });
  at("came").replaceChildren(...(answer.error ? [line("p", answer.error.message)] : story(answer)));
}

function story(answer) {
  const pretty = (value) => JSON.stringify(value, null, 2);
  if (!answer.runs.length) return [line("p", `It would start no run: ${answer.event.disposition}.`), line("pre", pretty(answer.event.reason))];
  return answer.runs.flatMap((run) => [
    line("p", `The run would end as ${run.status}${run.error ? `: ${run.error.message}` : ""}.`),
    ...run.actions.map((action) => {
      const made = document.createElement("details");
      made.append(line("summary", `${action.path}: ${action.status}`), line("pre", pretty({ inputs: action.inputs, outputs: action.outputs, error: action.error, skipped_because: action.skipped_because })));
      return made;
    }),
    ...(answer.requests.length ? [line("p", "It would send, and did not:"), line("pre", pretty(answer.requests))] : []),
  ]);
}

at("save").addEventListener("click", () => save(false));
at("help-inside").addEventListener("keydown", (event) => {
  if (event.key !== "F1" && event.key !== "Escape") return;
  event.preventDefault();
  view.focus();
});
at("anyway").addEventListener("click", () => save(true));
at("compare").addEventListener("click", compare);
at("try").addEventListener("click", tryIt);
at("take-theirs").addEventListener("click", () => {
  const { theirs } = at("conflict");
  at("conflict").hidden = true;
  if (theirs) take(theirs);
  say("This is the text on disk.");
});
at("keep-mine").addEventListener("click", () => {
  const { theirs } = at("conflict");
  state.hash = theirs ? theirs.hash : null;
  state.saved = theirs ? theirs.text : "";
  at("conflict").hidden = true;
  save(false);
});
window.addEventListener("beforeunload", (event) => {
  if (text() !== state.saved && view.state.doc.length) event.preventDefault();
});

const source = await ask("GET", address("source"));
if (source.status === 200) take(source.source);
else if (source.status === 404) {
  view.setState(begin(page.dataset.beginning));
  mark();
} else say(source.error.message, "bad");
document.body.dataset.ready = "editor";
