"""The language server: the editor's questions put to the linter, its answers in the protocol's words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

import flowengine
from flowengine.cli import place
from flowengine.config import Settings
from flowengine.connectors.connection import Connection, read_connections
from flowengine.errors import FlowEngineError
from flowengine.findings import Finding, Severity, Span
from flowengine.lint.editor.complete import Item, complete
from flowengine.lint.editor.definition import definition
from flowengine.lint.editor.hover import hover
from flowengine.lint.linter import Project, called_flows, check_flow

if TYPE_CHECKING:
    from pygls.workspace import TextDocument

_KINDS = {
    "key": lsp.CompletionItemKind.Property,
    "value": lsp.CompletionItemKind.EnumMember,
    "operation": lsp.CompletionItemKind.Method,
    "connector": lsp.CompletionItemKind.Module,
    "name": lsp.CompletionItemKind.Variable,
    "field": lsp.CompletionItemKind.Field,
    "filter": lsp.CompletionItemKind.Function,
    "function": lsp.CompletionItemKind.Function,
    "test": lsp.CompletionItemKind.Operator,
    "file": lsp.CompletionItemKind.File,
}
_STARTERS = [".", "{", "|", ":", "-", " ", "'", '"']
"""Characters after which the editor asks by itself."""


class Around:
    """What stands around the open flows: read once, and again when the editor saves a file."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._project: Project | None = None

    def forget(self) -> None:
        """A file was changed: look again when asked."""
        self._project = None

    def project(self, text: str) -> Project:
        """The project, with the flows that this text calls."""
        if self._project is None:
            self._project = _read_project(self._settings)
        return replace(self._project, flows=called_flows(text, self._settings.flows))


def _read_project(settings: Settings) -> Project:
    connections: Mapping[str, Connection] = {}
    if settings.connections_file.is_file():
        with suppress(FlowEngineError):  # `flowengine check` says what is wrong with them
            connections, _ = read_connections(settings.connections_file, os.environ, lambda _: None)
    return Project(place.catalog(settings), connections, place.flow_ids(settings))


def make_server(settings: Settings) -> LanguageServer:
    """The server, ready to be started on stdin and stdout."""
    server = LanguageServer("flowengine", flowengine.__version__)
    around = Around(settings)

    def look(uri: str) -> None:
        document = server.workspace.get_text_document(uri)
        found = check_flow(document.source, _path(document), around.project(document.source))
        told = [_diagnostic(server, document, one) for one in found]
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, told, document.version))

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        look(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        look(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        around.forget()
        look(params.text_document.uri)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def elsewhere(_: lsp.DidChangeWatchedFilesParams) -> None:
        around.forget()

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=_STARTERS))
    def completion(params: lsp.CompletionParams) -> lsp.CompletionList:
        document = server.workspace.get_text_document(params.text_document.uri)
        offset = document.offset_at_position(params.position)
        items = complete(document.source, offset, _path(document), around.project(document.source))
        return lsp.CompletionList(False, [_item(document, one, offset) for one in items])

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hovered(params: lsp.HoverParams) -> lsp.Hover | None:
        document = server.workspace.get_text_document(params.text_document.uri)
        offset = document.offset_at_position(params.position)
        found = hover(document.source, offset, _path(document), around.project(document.source))
        if found is None:
            return None
        told = lsp.MarkupContent(lsp.MarkupKind.Markdown, found.markdown)
        return lsp.Hover(told, _range(document, found.span))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def defined(params: lsp.DefinitionParams) -> lsp.Location | None:
        document = server.workspace.get_text_document(params.text_document.uri)
        offset = document.offset_at_position(params.position)
        found = definition(document.source, offset, _path(document), around.project(document.source))
        if found is None:
            return None
        uri = from_fs_path(str(found.file.resolve())) if found.file else None
        there = server.workspace.get_text_document(uri) if uri else document
        return lsp.Location(uri or document.uri, _range(there, found.span))

    return server


def _path(document: TextDocument) -> str:
    return to_fs_path(document.uri) or "flow.yaml"


def _diagnostic(server: LanguageServer, document: TextDocument, finding: Finding) -> lsp.Diagnostic:
    severity = lsp.DiagnosticSeverity.Error if finding.severity is Severity.ERROR else lsp.DiagnosticSeverity.Warning
    told = f"{finding.message}\n{finding.hint}" if finding.hint else finding.message
    return lsp.Diagnostic(_range(document, finding.span), told, severity, finding.rule, source=server.name)


def _range(document: TextDocument, span: Span) -> lsp.Range:
    """A span in the units that the client counts in."""
    start = lsp.Position(span.line - 1, span.column - 1)
    end = lsp.Position(span.end_line - 1, span.end_column - 1)
    return document.position_codec.range_to_client_units(document.lines, lsp.Range(start, end))


def _item(document: TextDocument, one: Item, offset: int) -> lsp.CompletionItem:
    place = lsp.Range(_position(document, offset - one.replaces), _position(document, offset))
    about = lsp.MarkupContent(lsp.MarkupKind.Markdown, one.about) if one.about else None
    return lsp.CompletionItem(
        one.label,
        kind=_KINDS[one.kind],
        detail=one.detail or None,
        documentation=about,
        sort_text=f"{0 if one.first else 1}{one.label}",
        filter_text=one.label,
        text_edit=lsp.TextEdit(place, one.insert or one.label),
    )


def _position(document: TextDocument, offset: int) -> lsp.Position:
    before = document.source[:offset]
    line = before.count("\n")
    character = offset - (before.rfind("\n") + 1)
    return document.position_codec.position_to_client_units(document.lines, lsp.Position(line, character))
