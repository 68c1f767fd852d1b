"""Nothing outside the data can be reached: the known ways out of Jinja's sandbox, and Python's attributes."""

from __future__ import annotations

import pytest
from jinja2 import Undefined

from flowengine.errors import ExpressionError
from flowengine.expressions.environment import Sandbox
from flowengine.expressions.render import render_now
from flowengine.expressions.values import Escalate

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ().__class__.__base__.__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ '' | attr('__class__') }}",
    "{{ [''] | map(attribute='__class__') | list }}",
    "{{ [''] | map('attr', '__class__') | list }}",
    "{{ [['']] | map(attribute='0.__class__') | list }}",
    "{{ [''] | selectattr('__class__') | list }}",
    "{{ [''] | groupby('__class__') }}",
    "{{ ['', 'a'] | sort(attribute='__class__') }}",
    "{{ '{0.__class__}'.format('') }}",
    "{{ '{0.__class__}'.format_map({}) }}",
    "{{ '%s' | format('').__class__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ config }}",
    "{{ request.application }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ namespace()._Namespace__attrs }}",
    "{{ dict.__base__ }}",
    "{{ dict.mro() }}",
    "{{ range.__class__ }}",
    "{{ length.__globals__ }}",
    "{{ length.__wrapped__ }}",
    "{{ now.__code__ }}",
    "{{ ''.join.__self__ }}",
    "{{ 'a'.upper.__call__() }}",
    "{{ x.append(1) }}",
    "{{ x.pop() }}",
    "{{ y.update({}) }}",
    "{{ y.clear() }}",
    "{{ y.setdefault('a', 1) }}",
    "{{ y.__setitem__('a', 1) }}",
    "{% set y.a = 1 %}",
    "{{ (x | map('upper')).gi_frame }}",
    "{{ (x | select).gi_code }}",
    "{% for i in x %}{{ loop.__init__ }}{% endfor %}",
    "{% for i in x %}{{ loop._iterator }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func }}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% import 'os' as os %}",
    "{% include '/etc/passwd' %}",
    "{% from 'os' import system %}",
    "{% extends '/etc/passwd' %}",
    "{% block a %}{% endblock %}",
    "{{ __builtins__ }}",
    "{{ __import__('os') }}",
    "{{ eval('1') }}",
    "{{ open('/etc/passwd') }}",
    "{{ context }}",
    "{{ environment }}",
    "{{ missing.__class__ }}",
    "{{ (missing | default(missing)).__class__ }}",
    "{{ 1 .real }}",
    "{{ 1.5.hex() }}",
    "{{ true.__class__ }}",
    "{{ none.__class__ }}",
    "{{ x | pprint }}",
    "{{ x | xmlattr }}",
    "{{ x | random }}",
    "{% do x.append(1) %}",
    "{% debug %}",
    "{{ undefined() }}",
    "{{ cond_expr_undefined }}",
]


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("text", ESCAPES)
def test_a_way_out_is_refused(text: str, guarded: bool) -> None:
    scope = {"x": ["a"], "y": {"b": 1}}
    with pytest.raises((ExpressionError, Escalate)):
        render_now(text, scope, guarded=guarded)
    assert scope == {"x": ["a"], "y": {"b": 1}}


def test_attributes_are_read_from_data_only() -> None:
    sandbox = Sandbox(guarded=False)
    for value in ("", 1, None, [], Sandbox, object(), len):
        assert isinstance(sandbox.getattr(value, "__class__"), Undefined)
        assert isinstance(sandbox.getitem(value, "__class__"), Undefined)
    assert sandbox.getattr({"__class__": 1}, "__class__") == 1
    assert not sandbox.is_safe_callable(len)
    assert not sandbox.is_safe_callable("".upper)
