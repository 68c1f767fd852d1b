"""The rules, one a file, each with the words that `flowengine explain` shows."""

from __future__ import annotations

from flowengine.lint.rule import Rule
from flowengine.lint.rules import (
    call_circle,
    call_inputs,
    input_default,
    maybe_missing,
    missing_parameter,
    name_taken,
    no_braces,
    not_a_list,
    not_paginated,
    parameter_value,
    reading,
    reserved_name,
    respond_without_caller,
    secret_in_clear,
    shared_variable,
    template_syntax,
    undeclared_variable,
    unknown_action,
    unknown_connection,
    unknown_connector,
    unknown_field,
    unknown_flow,
    unknown_function,
    unknown_name,
    unknown_operation,
    unknown_parameter,
    unreachable,
    unsafe_retry,
    wrong_kind,
)

CHECKED: tuple[Rule, ...] = (
    call_circle.RULE,
    call_inputs.RULE,
    input_default.RULE,
    maybe_missing.RULE,
    missing_parameter.RULE,
    name_taken.RULE,
    no_braces.RULE,
    not_a_list.RULE,
    not_paginated.RULE,
    parameter_value.RULE,
    reserved_name.RULE,
    respond_without_caller.RULE,
    secret_in_clear.RULE,
    shared_variable.RULE,
    template_syntax.RULE,
    undeclared_variable.RULE,
    unknown_action.RULE,
    unknown_connection.RULE,
    unknown_connector.RULE,
    unknown_field.RULE,
    unknown_flow.RULE,
    unknown_function.RULE,
    unknown_name.RULE,
    unknown_operation.RULE,
    unknown_parameter.RULE,
    unreachable.RULE,
    unsafe_retry.RULE,
    wrong_kind.RULE,
)
"""Those with a check of their own."""

RULES: tuple[Rule, ...] = (*reading.READING, *CHECKED)
"""Every rule."""
