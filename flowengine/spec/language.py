"""The flow language as a table: every construct, its keys, what they take, and one sentence on each.

Reading, the suggestions for misspelt keys, the JSON Schema and the language reference all come from here; nothing about a key
is said in a second place. The file is long because a table that is looked up belongs in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flowengine.spec.conditions import OPERATORS, UNARY_OPERATORS


class Form(StrEnum):
    """What a key takes, in the words of an error message."""

    TEXT = "a text"
    TEMPLATE = "a text, usually a template"
    VALUE = "a value"
    LIST_OR_TEMPLATE = "a list, or a template that gives one"
    BOOLEAN = "true or false"
    TRUE = "true"
    COUNT = "a whole number"
    DURATION = 'a time such as "10 seconds"'
    DURATION_OR_TEMPLATE = 'a time such as "10 minutes", or a template that gives one'
    MOMENT = 'a moment such as "2030-01-31T09:00:00Z", or a template that gives one'
    CHOICE = "one of its words"
    CHOICES = "a list of its words"
    NAME = "a name of letters, digits and _"
    OPERATION = "connector.Operation"
    FLOW_ID = "another flow's id"
    CONDITION = "a condition, or a list of them"
    CONDITIONS = "a list of conditions"
    ACTIONS = "a list of actions"
    BRANCHES = "a list of lists of actions"
    CASES = "values, each with a list of actions"
    VALUES = "names with values"
    VARIABLES = "names with first values"
    INPUTS = "names with their types"
    DURATIONS = "outcomes with times"
    KEYS = "keys with values"
    RETRY = "a number of tries, or its keys"
    RETRY_ON = "a list such as [429, 5xx, timeout, unreachable]"
    TEXTS = "a list of texts"
    TRIGGERS = "one trigger, or a list of them"
    SCHEDULE = 'words such as "every weekday at 09:00", or its keys'
    VERIFY = "the way in which the sender is verified"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its name, what it takes, one sentence, and what is allowed."""

    name: str
    form: Form
    doc: str
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 1_000_000
    inside: tuple[Key, ...] = ()
    """The keys below, for the forms that have some."""


@dataclass(frozen=True, slots=True)
class Construct:
    """An action or trigger: the key that makes it one, one sentence, the keys of its own, and an example."""

    key: str
    doc: str
    keys: tuple[Key, ...]
    example: str


INPUT_TYPES = ("text", "number", "boolean", "date", "list", "object")
OUTCOMES = (
    "succeeded",
    "failed",
    "timed_out",
    "cancelled",
    "skipped",
    "filtered",
    "duplicate",
    "dropped",
    "disabled",
    "missed",
    "rejected",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FREQUENCIES = ("Minute", "Hour", "Day", "Week", "Month", "Year")

_INPUT = (
    Key("type", Form.CHOICE, "What the input must be.", choices=INPUT_TYPES),
    Key("required", Form.BOOLEAN, "Whether a run cannot start without it."),
    Key("default", Form.VALUE, "What it is when it is not given."),
    Key("description", Form.TEXT, "What people are told when they are asked for it."),
    Key("choices", Form.LIST_OR_TEMPLATE, "The only values allowed."),
)

FLOW = (
    Key("flow", Form.TEXT, "The name that people see.", required=True),
    Key("description", Form.TEXT, "What the flow is for."),
    Key("enabled", Form.BOOLEAN, "Whether events start runs; true when left out."),
    Key("trigger", Form.TRIGGERS, "What starts a run: one trigger, or a list of them.", required=True),
    Key(
        "conditions",
        Form.CONDITIONS,
        "Conditions on the event. All must hold; otherwise the event is recorded as filtered.",
    ),
    Key("inputs", Form.INPUTS, "The inputs of a manual run or a call, each with its type.", inside=_INPUT),
    Key(
        "vars",
        Form.VARIABLES,
        "Variables of the run with their first values; `set` changes them, templates read `vars.name`.",
    ),
    Key(
        "mode",
        Form.CHOICE,
        "What happens when an event comes while a run is going: run side by side, wait in a queue, drop the event, or cancel the old run.",
        choices=("parallel", "queued", "single", "restart"),
    ),
    Key(
        "max",
        Form.COUNT,
        "How many runs go side by side or wait in the queue; 25 when left out.",
        minimum=1,
        maximum=10_000,
    ),
    Key("per", Form.TEMPLATE, "A template of the event; `mode` and `max` then hold for each of its values."),
    Key("timeout", Form.DURATION, "How long a run may take; 30 days when left out."),
    Key("actions", Form.ACTIONS, "What a run does, from top to bottom.", required=True),
    Key("on_failure", Form.ACTIONS, "What is done when the run failed or took too long; templates there see `error`."),
    Key("output", Form.VALUE, "What a call or a manual run gives back."),
    Key(
        "keep",
        Form.DURATIONS,
        "How long the history of runs and events is kept, by outcome; 28 days when left out.",
        choices=OUTCOMES,
    ),
)

_RETRY = (
    Key("times", Form.COUNT, "How many further tries follow the first one.", required=True, maximum=100),
    Key("wait", Form.DURATION, "How long to wait before the next try."),
    Key("grow", Form.CHOICE, "Whether each wait is twice the one before.", choices=("none", "double")),
    Key("max_wait", Form.DURATION, "The longest wait that growing leads to."),
    Key(
        "on",
        Form.RETRY_ON,
        "Which failures are tried again: status codes (429), classes of them (5xx), timeout, unreachable.",
    ),
    Key(
        "on_unknown", Form.CHOICE, "What follows when a request was sent and no answer came.", choices=("retry", "fail")
    ),
)

COMMON = (
    Key("name", Form.TEXT, "What people see in the run's history; unique in the flow."),
    Key("when", Form.CONDITION, "A condition; when it does not hold the action is skipped."),
    Key("save_as", Form.NAME, "The name under which later templates find the result."),
    Key("retry", Form.RETRY, "How often and how patiently the action is tried again.", inside=_RETRY),
    Key("timeout", Form.DURATION, "How long the action may take."),
    Key("on_error", Form.CHOICE, "`continue`: the run goes on when this action fails.", choices=("continue",)),
    Key("connection", Form.TEXT, "Which connection of connections.yaml is used."),
    Key("secure", Form.CHOICES, "What is never shown in the history.", choices=("inputs", "outputs")),
    Key("note", Form.TEXT, "A remark for readers of the flow."),
)

_WITH = Key("with", Form.VALUES, "The operation's inputs: parameters by name, properties of the body beside them.")
_OUTPUT = Key("output", Form.VALUE, "What the action gives back, for `save_as`.")
_ASK = (
    Key("to", Form.VALUE, "Who is asked: an address, or a list of them.", required=True),
    Key("question", Form.TEMPLATE, "What they are asked.", required=True),
    Key("choices", Form.TEXTS, "What they may answer; Approve and Reject when left out."),
)
_REPEAT = (
    Key("until", Form.CONDITION, "The condition that ends it, looked at after each round.", required=True),
    Key("max", Form.COUNT, "The most rounds, after which the action fails; 60 when left out.", minimum=1, maximum=5000),
    Key("timeout", Form.DURATION, "The longest time, after which the action fails."),
    Key("wait", Form.DURATION, "The pause between rounds."),
)

ACTIONS = {
    construct.key: construct
    for construct in (
        Construct(
            "use",
            "Calls an operation of a connector.",
            (
                Key(
                    "use",
                    Form.OPERATION,
                    "The operation to call: `connector.Operation`, as in its manifest.",
                    required=True,
                ),
                _WITH,
                Key(
                    "paginate",
                    Form.KEYS,
                    "Follows the answer's pages and gives all items as one list.",
                    inside=(
                        Key(
                            "max_items",
                            Form.COUNT,
                            "The most items to read.",
                            required=True,
                            minimum=1,
                            maximum=100_000,
                        ),
                    ),
                ),
            ),
            "use: http.post\nwith:\n  url: https://example.com/hook\n  body: { text: Hello }",
        ),
        Construct(
            "if",
            "Runs one of two lists of actions.",
            (
                Key("if", Form.CONDITION, "The condition, or a list of conditions that must all hold.", required=True),
                Key("then", Form.ACTIONS, "What is done when it holds.", required=True),
                Key("else", Form.ACTIONS, "What is done when it does not hold."),
                _OUTPUT,
            ),
            'if: { value: "{{ trigger.age }}", more_than: 17 }\nthen:\n  - log: of age\nelse:\n  - log: too young',
        ),
        Construct(
            "switch",
            "Runs the list of actions whose case equals the value.",
            (
                Key("switch", Form.VALUE, "The value to look at.", required=True),
                Key("cases", Form.CASES, "Each value with the actions that are done for it.", required=True),
                Key("default", Form.ACTIONS, "What is done when no case equals the value."),
                _OUTPUT,
            ),
            'switch: "{{ trigger.status }}"\ncases:\n  open:\n    - log: it is open\ndefault:\n  - log: it is something else',
        ),
        Construct(
            "for_each",
            "Runs the actions once for each item of a list.",
            (
                Key("for_each", Form.LIST_OR_TEMPLATE, "The list.", required=True),
                Key("as", Form.NAME, "The name of the current item; `item` when left out."),
                Key("do", Form.ACTIONS, "What is done with each item.", required=True),
                Key(
                    "at_once",
                    Form.COUNT,
                    "How many items are worked on side by side; 1 when left out.",
                    minimum=1,
                    maximum=50,
                ),
                Key("output", Form.VALUE, "What each iteration gives; `save_as` names the list of them."),
            ),
            'for_each: "{{ trigger.tags }}"\nas: tag\ndo:\n  - log: "{{ tag }}"',
        ),
        Construct(
            "repeat",
            "Runs the actions again and again until a condition holds.",
            (
                Key("repeat", Form.KEYS, "When it ends.", required=True, inside=_REPEAT),
                Key("do", Form.ACTIONS, "What is done in each round.", required=True),
                Key("output", Form.VALUE, "What each round gives; `save_as` names the list of them."),
            ),
            'repeat: { until: "{{ vars.ready }}", max: 10, wait: 30 seconds }\ndo:\n  - set: { ready: true }',
        ),
        Construct(
            "parallel",
            "Runs several lists of actions side by side and waits for all.",
            (Key("parallel", Form.BRANCHES, "The branches: a list of lists of actions.", required=True),),
            "parallel:\n  - - log: left\n  - - log: right",
        ),
        Construct(
            "try",
            "Runs actions whose failure is handled here.",
            (
                Key("try", Form.ACTIONS, "What is tried.", required=True),
                Key("catch", Form.ACTIONS, "What is done when it failed; templates there see `error`."),
                Key("finally", Form.ACTIONS, "What is done in any case."),
                _OUTPUT,
            ),
            'try:\n  - use: http.get\n    with: { url: https://example.com }\ncatch:\n  - log: "{{ error.message }}"',
        ),
        Construct(
            "wait",
            "Waits for a time; costs nothing while waiting.",
            (Key("wait", Form.DURATION_OR_TEMPLATE, "How long.", required=True),),
            "wait: 10 minutes",
        ),
        Construct(
            "wait_until",
            "Waits until a moment; costs nothing while waiting.",
            (
                Key(
                    "wait_until",
                    Form.MOMENT,
                    "Until when: a moment, or a time of day in the zone of the flow's schedule (else UTC).",
                    required=True,
                ),
            ),
            'wait_until: "{{ trigger.due_at }}"',
        ),
        Construct(
            "ask",
            "Asks people and waits for their choice; gives `{choice, by, comment, at}`.",
            (Key("ask", Form.KEYS, "Who is asked what.", required=True, inside=_ASK),),
            'ask: { to: lead@example.com, question: "Refund it?", choices: [Yes, No] }\ntimeout: 2 days\nsave_as: decision',
        ),
        Construct(
            "wait_for",
            "Waits for a POST at `callback.url`, which the actions before it in the same list can hand out.",
            (Key("wait_for", Form.CHOICE, "What is waited for.", required=True, choices=("callback",)),),
            "wait_for: callback\ntimeout: 1 hour\nsave_as: answer",
        ),
        Construct(
            "set",
            "Changes variables that the flow declares under `vars`.",
            (Key("set", Form.VARIABLES, "Each variable with its new value.", required=True),),
            'set: { count: "{{ vars.count + 1 }}" }',
        ),
        Construct(
            "call",
            "Runs another flow and waits for its output.",
            (
                Key("call", Form.FLOW_ID, "The other flow's id: its file's name without .yaml.", required=True),
                Key("with", Form.VALUES, "The other flow's inputs."),
            ),
            "call: other-flow\nwith: { ticket: 17 }\nsave_as: result",
        ),
        Construct(
            "respond",
            "Answers the caller of a webhook or manual run.",
            (
                Key(
                    "respond",
                    Form.KEYS,
                    "The answer.",
                    required=True,
                    inside=(
                        Key("status", Form.VALUE, "The HTTP status; 200 when left out."),
                        Key("headers", Form.VALUES, "The answer's headers."),
                        Key("body", Form.VALUE, "The answer's body."),
                    ),
                ),
            ),
            "respond: { status: 200, body: { ok: true } }",
        ),
        Construct(
            "stop",
            "Ends the run here.",
            (
                Key(
                    "stop",
                    Form.KEYS,
                    "How it ends.",
                    required=True,
                    inside=(
                        Key(
                            "status", Form.CHOICE, "What the run ends as.", choices=("succeeded", "failed", "cancelled")
                        ),
                        Key("message", Form.TEMPLATE, "Why, for the history."),
                    ),
                ),
            ),
            "stop: { status: failed, message: The ticket has no owner }",
        ),
        Construct(
            "log",
            "Writes a line into the run's history.",
            (Key("log", Form.VALUE, "The line.", required=True),),
            'log: "Ticket {{ trigger.ticket.id }} came in"',
        ),
    )
}

_SECRET = Key("secret", Form.TEXT, "The name of the secret, as set with `flowengine secrets set`.", required=True)
VERIFY = {
    "hmac": (
        Key("header", Form.TEXT, "The header that holds the signature.", required=True),
        Key("algorithm", Form.CHOICE, "The hash; sha256 when left out.", choices=("sha1", "sha256", "sha512")),
        _SECRET,
    ),
    "standard-webhooks": (_SECRET,),
    "header": (Key("name", Form.TEXT, "The header that holds the secret.", required=True), _SECRET),
    "basic": (Key("username", Form.TEXT, "The user's name.", required=True), _SECRET),
    "body-secret": (
        Key("path", Form.TEXT, "Where in the JSON body the secret stands, such as `secret_key`.", required=True),
        _SECRET,
    ),
}
VERIFY_METHODS = ("none", *VERIFY)

SCHEDULE = (
    Key("cron", Form.TEXT, "Five cron fields: minute, hour, day of month, month, day of week."),
    Key("frequency", Form.CHOICE, "The unit of `interval`.", choices=FREQUENCIES),
    Key("interval", Form.COUNT, "Every how many of them; 1 when left out.", minimum=1, maximum=1000),
    Key("on", Form.LIST_OR_TEMPLATE, "On which days: names for weeks, numbers for months."),
    Key("at", Form.LIST_OR_TEMPLATE, "At which times of day."),
)

TRIGGER_COMMON = (
    Key("connection", Form.TEXT, "Which connection of connections.yaml is used."),
    Key("split", Form.TEMPLATE, "A template of the event that gives a list: one run for each item."),
    Key("dedupe", Form.TEMPLATE, "A template of the event; the same value never starts a second run."),
    Key("conditions", Form.CONDITIONS, "Conditions on this trigger's events. All must hold."),
)

TRIGGERS = {
    construct.key: construct
    for construct in (
        Construct(
            "use",
            "A trigger of a connector: the service reports each event, or is asked for them.",
            (
                Key(
                    "use",
                    Form.OPERATION,
                    "The trigger operation: `connector.Operation`, as in its manifest.",
                    required=True,
                ),
                Key("with", Form.VALUES, "The operation's parameters."),
                Key("every", Form.DURATION, "How often a polling trigger asks."),
            ),
            "use: livechat.WebhookTicketCreated",
        ),
        Construct(
            "poll",
            "Any reading operation, asked again and again; one run for each item that was not seen before.",
            (
                Key("poll", Form.OPERATION, "The operation to ask: `connector.Operation`.", required=True),
                Key("every", Form.DURATION, "How often it is asked.", required=True),
                Key("with", Form.VALUES, "The operation's inputs."),
                Key("items", Form.TEMPLATE, "Where in the answer the list of items is; the whole body when left out."),
                Key("item_id", Form.TEMPLATE, "What tells items apart; `item.id` when left out."),
                Key(
                    "cursor",
                    Form.TEMPLATE,
                    "A value of each item that only grows. Templates of `with` see the greatest so far as `cursor`; at first it is none.",
                ),
            ),
            'poll: livechat.ListAgents\nevery: 5 minutes\nitem_id: "{{ item.login }}"',
        ),
        Construct(
            "schedule",
            "The clock.",
            (
                Key(
                    "schedule",
                    Form.SCHEDULE,
                    "When: words, a cron expression, or frequency and interval.",
                    required=True,
                    inside=SCHEDULE,
                ),
                Key("timezone", Form.TEXT, "The time zone, such as Europe/Berlin; UTC when left out."),
                Key(
                    "if_missed",
                    Form.CHOICE,
                    "What follows when the engine was down at a scheduled time.",
                    choices=("run_once", "run_all", "skip"),
                ),
            ),
            "schedule: every weekday at 09:00\ntimezone: Europe/Berlin",
        ),
        Construct(
            "webhook",
            "Any HTTP POST to the flow's own unguessable URL.",
            (
                Key(
                    "webhook",
                    Form.KEYS,
                    "How it is received.",
                    required=True,
                    inside=(
                        Key(
                            "verify",
                            Form.VERIFY,
                            "How the sender is verified; `none` must be spelled out.",
                            required=True,
                        ),
                    ),
                ),
            ),
            "webhook: { verify: { hmac: { header: X-Signature, secret: shop_secret } } }",
        ),
        Construct(
            "manual",
            "A person, the API or another flow.",
            (Key("manual", Form.TRUE, "Always true.", required=True),),
            "manual: true",
        ),
    )
}

CONDITION_GROUPS = (
    Key("all", Form.CONDITIONS, "Every one of these conditions must hold."),
    Key("any", Form.CONDITIONS, "At least one of these conditions must hold."),
    Key("not", Form.CONDITION, "This condition must not hold."),
)
COMPARISON = (
    Key("value", Form.VALUE, "The left side.", required=True),
    *(
        Key(name, Form.BOOLEAN if name in UNARY_OPERATORS else Form.VALUE, f"The value {name.replace('_', ' ')} this.")
        for name in OPERATORS
    ),
    Key("match_case", Form.BOOLEAN, "Whether upper and lower case matter; false when left out."),
)

MEANT = {
    "step": "actions",
    "steps": "actions",
    "do": "actions",
    "tasks": "actions",
    "jobs": "actions",
    "on": "trigger",
    "triggers": "trigger",
    "when": "conditions",
    "name": "flow",
    "title": "flow",
    "variables": "vars",
    "concurrency": "mode",
    "returns": "output",
    "uses": "use",
    "run": "use",
    "action": "use",
    "operation": "use",
    "inputs": "with",
    "params": "with",
    "parameters": "with",
    "args": "with",
    "body": "with",
    "foreach": "for_each",
    "loop": "for_each",
    "for": "for_each",
    "items": "for_each",
    "concurrent": "at_once",
    "while": "repeat",
    "until": "repeat",
    "delay": "wait",
    "sleep": "wait",
    "pause": "wait",
    "print": "log",
    "echo": "log",
    "debug": "log",
    "terminate": "stop",
    "exit": "stop",
    "fail": "stop",
    "raise": "stop",
    "throw": "stop",
    "assign": "set",
    "reply": "respond",
    "response": "respond",
    "subflow": "call",
    "run_flow": "call",
    "ensure": "finally",
    "rescue": "catch",
    "approval": "ask",
    "elif": "else",
    "otherwise": "else",
    "except": "catch",
    "condition": "if",
    "id": "name",
    "register": "save_as",
    "output_as": "save_as",
    "cron": "schedule",
    "equals": "is",
    "eq": "is",
    "equal": "is",
    "ne": "is_not",
    "not_equals": "is_not",
    "gt": "more_than",
    "greater_than": "more_than",
    "lt": "less_than",
    "gte": "at_least",
    "lte": "at_most",
    "in": "is_one_of",
    "includes": "contains",
    "not_contains": "does_not_contain",
    "regex": "matches",
    "left": "value",
    "or": "any",
    "and": "all",
}
"""Words that people bring from other tools, and the key that they look for; offered where that key is allowed."""

_BY_SERVICE = (
    'a service is called by "use: connector.Operation" (flowengine connectors list), any other one by "use: http.post"'
)
_BY_HTTP = 'write "use: http.get" (or http.post, http.put, ...) and the address under "with: { url: ... }"'
_NO_PROGRAMS = "flows run no programs: compute in templates, or call a service that does"
NOT_BUILT_IN = {
    **dict.fromkeys(
        ("email", "mail", "send_email", "send_mail", "sms", "slack", "teams", "notify", "send"), _BY_SERVICE
    ),
    **dict.fromkeys(
        ("http", "https", "request", "fetch", "get", "post", "put", "patch", "api", "rest", "url"), _BY_HTTP
    ),
    **dict.fromkeys(("script", "code", "python", "javascript", "shell", "bash", "exec", "command"), _NO_PROGRAMS),
}
"""What other tools have as an action of its own, and how it is done here."""
