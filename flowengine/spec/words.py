"""Triggers and actions as a person would say them."""

from __future__ import annotations

from flowengine.spec.actions import (
    Action,
    Ask,
    Call,
    ForEach,
    If,
    Log,
    OperationAction,
    Parallel,
    Repeat,
    Respond,
    Set,
    Stop,
    Switch,
    Try,
    Wait,
    WaitFor,
    WaitUntil,
)
from flowengine.spec.schedules import read_schedule
from flowengine.spec.times import format_duration
from flowengine.spec.triggers import Manual, OperationTrigger, Poll, Schedule, Trigger, Webhook


def starts(trigger: Trigger) -> str:
    """What starts the flow, such as `every weekday at 09:00`."""
    match trigger:
        case Manual():
            return "by hand"
        case Webhook():
            return "a POST to its webhook"
        case Schedule():
            return schedule_words(trigger)
        case Poll():
            return f"new items of {trigger.name}, every {format_duration(trigger.every)}"
        case OperationTrigger():
            return trigger.name


def schedule_words(trigger: Schedule) -> str:
    """What the schedule says; the file's own words where they cannot be read."""
    try:
        return read_schedule(trigger.recurrence, trigger.timezone).describe()
    except ValueError:
        return str(trigger.recurrence.words or trigger.recurrence.cron or "a schedule")


def does(action: Action) -> str:
    """What an action does, in the file's words, below its name."""
    match action:
        case OperationAction():
            return action.use
        case If():
            return "if"
        case Switch():
            return f"switch {action.value}"
        case ForEach():
            return f"for each {action.item_name} of {action.items}"
        case Repeat():
            return f"repeat, at most {action.max} times"
        case Parallel():
            return f"{len(action.branches)} branches side by side"
        case Try():
            return "try"
        case Wait():
            return f"wait {action.duration}"
        case WaitUntil():
            return f"wait until {action.moment}"
        case Ask():
            return f"ask {action.to}"
        case WaitFor():
            return "wait for a callback"
        case Set():
            return f"set {', '.join(action.values)}"
        case Call():
            return f"call {action.flow}"
        case Respond():
            return f"respond {action.status}"
        case Stop():
            return f"stop as {action.status}"
        case Log():
            return "log"
