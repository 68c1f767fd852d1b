"""Flows that the pages are looked at with: one with conditions and a schedule, and one with a mistake."""

QUICK = """
    flow: Quick
    trigger: [{manual: true}, {schedule: every weekday at 09:00}]
    conditions: [{value: "{{ trigger.word | default('go') }}", is: go}]
    actions: [{name: Say it, log: "{{ trigger }}"}]
    """
BROKEN = """
    flow: Broken
    trigger: {manual: true}
    actions: [{name: One, lgo: hello}]
    """
