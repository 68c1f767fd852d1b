"""Flows that more than one crash test runs. `WITNESS` stands for the address of the service that writes down every call."""

FIRST_CALL = """\
trigger:
  webhook: { verify: none }
  dedupe: "{{ trigger.number }}"
actions:
  - name: First
    use: http.post
    with: { url: "WITNESS/ok/first-{{ trigger.number }}", body: {} }
"""

TWO_CALLS = (
    "flow: Two calls\n"
    + FIRST_CALL
    + """\
  - name: Last
    use: http.post
    with: { url: "WITNESS/ok/last-{{ trigger.number }}", body: {} }
"""
)

EVERYTHING = (
    "flow: Everything that can be interrupted\n"
    + FIRST_CALL
    + """\
  - name: Loop
    for_each: "{{ [1, 2] }}"
    do:
      - name: Each
        use: http.post
        with: { url: "WITNESS/ok/each-{{ trigger.number }}-{{ item }}", body: {} }
  - name: Both
    parallel:
      - - name: Left
          use: http.post
          with: { url: "WITNESS/ok/left-{{ trigger.number }}", body: {} }
      - - name: Right
          use: http.post
          with: { url: "WITNESS/slow/right-{{ trigger.number }}", body: {} }
  - name: Careful
    try:
      - name: Again
        use: http.post
        with: { url: "WITNESS/500,ok/again-{{ trigger.number }}", body: {} }
        retry: { times: 3, wait: 1 second, on: [5xx] }
    catch:
      - log: never
  - name: Breath
    wait: WAIT
  - name: Last
    use: http.post
    with: { url: "WITNESS/ok/last-{{ trigger.number }}", body: {} }
"""
)
"""All that can be interrupted; `WAIT` stands for a duration."""
