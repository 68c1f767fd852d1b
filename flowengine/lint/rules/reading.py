"""The rules whose mistakes are met while a file is read: they need no check of their own, only their words.

They share a file because their checks live where the reading is done.
"""

from __future__ import annotations

from flowengine.lint.rule import Rule

READING = (
    Rule(
        id="not-readable",
        meaning="The file cannot be opened: it is not there, or you may not read it.",
        wrong="flowengine check flows/refnd.yaml",
        right="flowengine check flows/refund.yaml",
    ),
    Rule(
        id="not-text",
        meaning="A flow is a text file in UTF-8. Other encodings, binary files and invisible control characters are not read.",
        wrong="a flow saved as UTF-16",
        right="the same flow saved as UTF-8",
    ),
    Rule(
        id="too-large",
        meaning="A flow's file has at most 1 MB and 50,000 values.",
        wrong="a table of 50,000 rows written into a flow",
        right="the table behind an address that the flow reads with http.get",
    ),
    Rule(
        id="too-deep",
        meaning="A file is nested at most 64 levels deep, and actions at most 8.",
        wrong="nine loops inside each other",
        right="the inner loops in a flow of their own, run by call",
    ),
    Rule(
        id="too-many-actions",
        meaning="A flow has at most 500 actions.",
        wrong="600 actions in one file",
        right="two flows, one of which calls the other",
    ),
    Rule(
        id="too-many-aliases",
        meaning="A file uses at most 20 YAML aliases, so that a small file cannot grow into a huge one.",
        wrong="thirty times *same",
        right="the value under vars, read as {{ vars.same }}",
    ),
    Rule(
        id="yaml-alias",
        meaning="An alias repeats a value that was given a name with & further up in the file. Text that begins with * needs quotes.",
        wrong="log: *important*",
        right='log: "*important*"',
    ),
    Rule(
        id="yaml-merge",
        meaning="YAML's merge keys are not read: what a flow says should stand where it is said.",
        wrong="with:\n  <<: *defaults\n  url: https://example.com",
        right="with:\n  method: GET\n  url: https://example.com",
    ),
    Rule(
        id="yaml-tag",
        meaning="Tags such as !secret mean nothing in a flow. Text that begins with an exclamation mark needs quotes.",
        wrong="log: !important read this",
        right='log: "!important read this"',
    ),
    Rule(
        id="one-document",
        meaning='One file holds one flow; "---" begins a second document.',
        wrong="flow: One\n---\nflow: Two",
        right="two files, one for each flow",
    ),
    Rule(
        id="syntax",
        meaning="The file is not YAML: a quote, a colon, a dash, a bracket or the indentation is wrong. Nothing after it can be read.",
        wrong="actions:\n  - log: Note: this is urgent",
        right='actions:\n  - log: "Note: this is urgent"',
    ),
    Rule(
        id="unquoted-template",
        meaning="To YAML, { begins a group of keys. A template therefore stands in quotes.",
        wrong="log: {{ trigger.subject }}",
        right='log: "{{ trigger.subject }}"',
    ),
    Rule(
        id="duplicate-key",
        meaning="A key stands twice in one group; only one of them could count. Often a dash was lost that begins the next item.",
        wrong="actions:\n  - log: first\n    log: second",
        right="actions:\n  - log: first\n  - log: second",
    ),
    Rule(
        id="file-name",
        meaning="The file's name without .yaml is the flow's id, by which commands and calls name it.",
        wrong="flows/Refund Tickets.yaml",
        right="flows/refund-tickets.yaml",
    ),
    Rule(
        id="not-a-flow",
        meaning="A flow is written as keys with values: its name, what triggers it, and its actions.",
        wrong="- log: Hello",
        right="flow: Say hello\ntrigger: { manual: true }\nactions:\n  - log: Hello",
    ),
    Rule(
        id="unknown-key",
        meaning="There is no such key at this place; mostly it is misspelt.",
        wrong="use: http.get\nwiht: { url: https://example.com }",
        right="use: http.get\nwith: { url: https://example.com }",
    ),
    Rule(
        id="misplaced-key",
        meaning="The key exists, but belongs to something else.",
        wrong="log: Hello\nthen:\n  - log: again",
        right='if: "{{ vars.count > 1 }}"\nthen:\n  - log: again',
    ),
    Rule(
        id="missing-key",
        meaning="Something that must be said is not said.",
        wrong='if: "{{ true }}"',
        right='if: "{{ true }}"\nthen:\n  - log: Hello',
    ),
    Rule(
        id="two-kinds",
        meaning="An action does one thing and a trigger is one thing; each has exactly one of the keys that say which.",
        wrong="actions:\n  - log: Hello\n    use: http.get\n    with: { url: https://example.com }",
        right="actions:\n  - log: Hello\n  - use: http.get\n    with: { url: https://example.com }",
    ),
    Rule(
        id="wrong-type",
        meaning="The value is of another kind than the key takes: a list instead of a text, a word instead of a number, nothing at all.",
        wrong='for_each: "{{ [\'a\'] }}"\nat_once: many\ndo:\n  - log: "{{ item }}"',
        right='for_each: "{{ [\'a\'] }}"\nat_once: 5\ndo:\n  - log: "{{ item }}"',
    ),
    Rule(
        id="not-allowed",
        meaning="The key takes one of a few words, or a number within limits.",
        wrong="stop: { status: broken }",
        right="stop: { status: failed }",
    ),
    Rule(
        id="no-template-here",
        meaning="This value is fixed when the file is read, before there is anything a template could read.",
        wrong='log: Hello\ntimeout: "{{ vars.limit }}"',
        right="log: Hello\ntimeout: 10 minutes",
    ),
    Rule(
        id="bad-condition",
        meaning="A condition is a template that gives true or false, or a value with a comparison.",
        wrong="if: trigger.age > 17\nthen:\n  - log: of age",
        right='if: { value: "{{ trigger.age }}", more_than: 17 }\nthen:\n  - log: of age',
    ),
    Rule(
        id="bad-name",
        meaning="Names that templates read consist of letters, digits and _, and begin with a letter.",
        wrong="use: livechat.ListAgents\nsave_as: all agents",
        right="use: livechat.ListAgents\nsave_as: all_agents",
    ),
    Rule(
        id="duplicate-name",
        meaning="A name tells people which action is meant, so it is given once in a flow.",
        wrong="actions:\n  - name: Greet\n    log: Hello\n  - name: Greet\n    log: Good evening",
        right="actions:\n  - name: Greet\n    log: Hello\n  - name: Greet again\n    log: Good evening",
    ),
    Rule(
        id="bad-operation",
        meaning="An operation is named by its connector, a dot and its id.",
        wrong="use: ListAgents",
        right="use: livechat.ListAgents",
    ),
    Rule(
        id="bad-time",
        meaning="A time is a number with a unit: seconds, minutes, hours, days or weeks. ISO 8601 (PT10M) is read too.",
        wrong="wait: ten minutes",
        right="wait: 10 minutes",
    ),
    Rule(
        id="bad-schedule",
        meaning="A schedule is words, a cron expression of five fields, or frequency and interval; and it must happen at some time.",
        wrong='trigger: { schedule: { cron: "0 25 * * *" } }\nactions:\n  - log: Hello',
        right='trigger: { schedule: { cron: "0 9 * * 1-5" } }\nactions:\n  - log: Hello',
    ),
    Rule(
        id="bad-timezone",
        meaning="A time zone is an area and a city as in the IANA database, or a Windows name.",
        wrong="trigger: { schedule: every day at 09:00, timezone: Berlin }\nactions:\n  - log: Hello",
        right="trigger: { schedule: every day at 09:00, timezone: Europe/Berlin }\nactions:\n  - log: Hello",
    ),
)
