"""Reading and writing the two control files of a package.

Read as leniently as other readers of the product's files are: any order of elements, unknown
elements ignored. Written as the product writes: UTF-16 with byte order mark, no declaration, one
line, elements in alphabetical order (documented by its own exports).
"""

from __future__ import annotations

import re
from itertools import starmap
from typing import IO, TYPE_CHECKING
from xml.sax.saxutils import escape

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.packages.archive import HEADER, MANIFEST
from d365fo_emulator.packages.errors import ControlFileInvalid, SourceUnreadable
from d365fo_emulator.packages.field_conversions import conversion_of, members_of
from d365fo_emulator.packages.markup import (
    NAMESPACE_END,
    BadMarkup,
    MarkupStream,
    check_depth,
    local_name,
)
from d365fo_emulator.packages.model import (
    Conversion,
    FieldMap,
    Manifest,
    PackageEntity,
    PackageHeader,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "http://schemas.microsoft.com/dynamics/2015/01/DataManagement"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_NIL = f"{_INSTANCE}{NAMESPACE_END}nil"
_MANIFEST_ROOT = "DataManagementPackageManifest"
_HEADER_ROOT = "DataManagementPackageHeader"
_LONGEST_TEXT = 64 * 1024

_ENTITY = "PackageEntityList/DataManagementPackageEntityData"
_MAPS = f"{_ENTITY}/EntityMapList"
_MAP = f"{_MAPS}/EntityMap"
_CONVERSIONS = f"{_MAP}/EntityFieldConversionList"
_CONVERSION = f"{_CONVERSIONS}/EntityFieldConversion"
_UNBUILT = {
    f"{_ENTITY}/EntityTransformList": "the XSLT transformation of a manifest's entity",
}

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def parse_manifest(stream: IO[bytes]) -> Manifest:
    """Reads `Manifest.xml`, whatever its size, in the memory of its result.

    Raises:
        ControlFileInvalid: no well-formed XML, a DOCTYPE, another root, a value of another type.
        NotEmulated: XSLT transformations.

    """
    reader = _ManifestReader()
    _read(stream, MANIFEST, reader)
    values = reader.values
    return Manifest(
        definition_group=values.text("DefinitionGroupName"),
        description=values.text("Description"),
        entities=tuple(reader.entities),
    )


def parse_header(stream: IO[bytes]) -> PackageHeader:
    """Reads `PackageHeader.xml`.

    Raises:
        ControlFileInvalid: as `parse_manifest`.

    """
    reader = _HeaderReader()
    _read(stream, HEADER, reader)
    values = reader.values
    return PackageHeader(
        description=values.text("Description"),
        manifest_type=values.text("ManifestType"),
        package_type=values.text("PackageType"),
        version=values.integer("PackageVersion", 0),
    )


class _Values:
    """Texts of the children of one element, and their types."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._texts: dict[str, str] = {}

    def put(self, name: str, text: str) -> None:
        self._texts[name] = text

    @property
    def raw(self) -> Mapping[str, str]:
        """The texts by name, blanks around them included."""
        return self._texts

    def text(self, name: str, default: str = "") -> str:
        return self._texts.get(name, "").strip() or default

    def boolean(self, name: str, default: bool) -> bool:
        text = self.text(name)
        if not text:
            return default
        if text not in _BOOLEANS:
            raise ControlFileInvalid(self._file_name, f"{name} is {text!r}, not true or false")
        return _BOOLEANS[text]

    def integer(self, name: str, default: int) -> int:
        text = self.text(name)
        if not text:
            return default
        if not _INTEGER.fullmatch(text) or abs(int(text)) >= 1 << 31:
            raise ControlFileInvalid(self._file_name, f"{name} is {text!r}, not a whole number")
        return int(text)


class _HeaderReader:
    """Takes the texts directly below the root."""

    root = _HEADER_ROOT

    def __init__(self) -> None:
        self.values = _Values(HEADER)

    def start(self, path: str, *, nil: bool) -> None:
        """An element opens."""

    def end(self, path: str, text: str) -> None:
        """An element closes; `text` is what stood directly in it."""
        if "/" not in path:
            self.values.put(path, text)


class _ManifestReader:
    """Builds entities and maps as their elements close; keeps nothing else."""

    root = _MANIFEST_ROOT

    def __init__(self) -> None:
        self.values = _Values(MANIFEST)
        self.entities: list[PackageEntity] = []
        self._entity = _Values(MANIFEST)
        self._maps: list[FieldMap] | None = None
        self._map = _Values(MANIFEST)
        self._conversion = _Values(MANIFEST)
        self._conversions: list[Conversion] = []
        # Many maps, few names: each is kept once.
        self._names: dict[str, str] = {}

    def start(self, path: str, *, nil: bool) -> None:
        parent = path.rpartition("/")[0]
        if parent in _UNBUILT:
            raise NotEmulated(_UNBUILT[parent])
        if path == _ENTITY:
            self._entity, self._maps = _Values(MANIFEST), None
        elif path == _MAPS and not nil:
            self._maps = []
        elif path == _MAP:
            self._map, self._conversions = _Values(MANIFEST), []
        elif path == _CONVERSION:
            self._conversion = _Values(MANIFEST)

    def end(self, path: str, text: str) -> None:
        parent, _, name = path.rpartition("/")
        if path == _ENTITY:
            self.entities.append(_entity_of(self._entity, self._maps))
        elif path == _MAP and self._maps is not None:
            self._maps.append(self._map_of(self._map))
        elif path == _CONVERSION:
            is_default = self._conversion.boolean("IsDefault", default=False)
            self._conversions.append(conversion_of(self._conversion.raw, is_default=is_default))
        elif parent == _CONVERSION:
            self._conversion.put(name, text)
        elif parent == _MAP:
            self._map.put(name, text)
        elif parent == _ENTITY:
            self._entity.put(name, text)
        elif not parent:
            self.values.put(name, text)

    def _map_of(self, values: _Values) -> FieldMap:
        entity_field, xml_field = values.text("EntityField"), values.text("XMLField")
        return FieldMap(
            entity_field=self._names.setdefault(entity_field, entity_field),
            xml_field=self._names.setdefault(xml_field, xml_field),
            array_index=values.integer("ArrayIndex", 0),
            auto_generated=values.boolean("IsAutoGenerated", default=False),
            auto_default=values.boolean("IsAutoDefault", default=False),
            default_when_empty=values.boolean("IsDefaultValueEqualNull", default=False),
            text_qualifier=values.boolean("UseTextQualifier", default=False),
            conversions=tuple(self._conversions),
        )


def _entity_of(values: _Values, maps: list[FieldMap] | None) -> PackageEntity:
    query = values.text("QueryData")
    return PackageEntity(
        label=values.text("EntityName"),
        file_name=values.text("InputFilePath"),
        source_format=values.text("SourceFormat"),
        maps=None if maps is None else tuple(maps),
        target_entity=values.text("TargetEntity"),
        sheet=values.text("ExcelSheetName"),
        unit=values.integer("ExecutionUnit", 1),
        level=values.integer("LevelInExecutionUnit", 1),
        sequence=values.integer("SequenceInLevel", 1),
        fail_level_on_error=values.boolean("FailLevelOnError", default=False),
        fail_unit_on_error=values.boolean("FailExecutionUnitOnError", default=False),
        disabled=values.boolean("Disable", default=False),
        skip_staging=values.boolean("SkipStaging", default=False),
        run_business_logic=values.boolean("RunBusinessLogic", default=True),
        run_business_validation=values.boolean("RunBusinessValidation", default=True),
        refresh_type=values.text("DefaultRefreshType", "FullPush"),
        validation_status=values.text("ValidationStatus", "Yes"),
        sample_file=values.text("SampleFilePath"),
        query=query if len(query) < _LONGEST_TEXT else "",  # half of one is none
    )


class _Events:
    """Turns expat's events into paths below the root; refuses another root."""

    def __init__(self, file_name: str, reader: _HeaderReader | _ManifestReader) -> None:
        self._file_name = file_name
        self._reader = reader
        self._paths: list[str] = []
        self._texts: list[str] = []
        self._length = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self._paths)
        check_depth(depth)
        if depth == 0:
            self._check_root(name)
            self._paths.append("")
            return
        own = name.startswith(NAMESPACE + NAMESPACE_END)
        # An element of another namespace is unknown, whatever its name.
        step = local_name(name) if own else f"?{local_name(name)}"
        path = f"{self._paths[-1]}/{step}" if depth > 1 else step
        self._paths.append(path)
        self._clear()
        self._reader.start(path, nil=attributes.get(_NIL, "").strip() in {"true", "1"})

    def text(self, data: str) -> None:
        if self._length < _LONGEST_TEXT:
            self._length += len(data)
            self._texts.append(data)

    def end(self, _name: str) -> None:
        path = self._paths.pop()
        if self._paths:
            self._reader.end(path, "".join(self._texts))
        self._clear()

    def _clear(self) -> None:
        self._texts.clear()
        self._length = 0

    def _check_root(self, name: str) -> None:
        expected = f"{NAMESPACE}{NAMESPACE_END}{self._reader.root}"
        if name != expected:
            raise ControlFileInvalid(
                self._file_name, f"the root is {name!r}, not {self._reader.root} of {NAMESPACE}"
            )


def _read(stream: IO[bytes], file_name: str, reader: _HeaderReader | _ManifestReader) -> None:
    events = _Events(file_name, reader)
    try:
        markup = MarkupStream(stream)
        markup.parser.StartElementHandler = events.start
        markup.parser.EndElementHandler = events.end
        markup.parser.CharacterDataHandler = events.text
        for _ in markup.pieces():
            pass
    except BadMarkup as error:
        raise ControlFileInvalid(file_name, str(error)) from error
    except SourceUnreadable as error:
        raise ControlFileInvalid(file_name, error.detail or error.message) from error


def write_manifest(manifest: Manifest, target_entities: Mapping[str, str] | None = None) -> bytes:
    """`Manifest.xml` as the product's newer releases write it.

    A packed query that no package brought is left out, as older releases do.

    Args:
        manifest: what to write.
        target_entities: AOT names by label, for entities that do not carry theirs.

    Raises:
        ControlFileInvalid: a text holds characters that XML cannot hold.

    """
    names = target_entities or {}
    entities = "".join(
        _entity_xml(entity, entity.target_entity or names.get(entity.label, ""))
        for entity in manifest.entities
    )
    return _document(
        MANIFEST,
        _MANIFEST_ROOT,
        _element("DefinitionGroupName", manifest.definition_group)
        + _element("Description", manifest.description)
        + _list("PackageEntityList", entities)
        + _element("ProjectCategory", 0)
        + _null("RulesData"),
    )


def write_header(header: PackageHeader) -> bytes:
    """`PackageHeader.xml` as the product writes it.

    Raises:
        ControlFileInvalid: as `write_manifest`.

    """
    return _document(
        HEADER,
        _HEADER_ROOT,
        _element("Description", header.description)
        + _element("ManifestType", header.manifest_type)
        + _element("PackageType", header.package_type)
        + _element("PackageVersion", header.version),
    )


def _entity_xml(entity: PackageEntity, target_entity: str) -> str:
    maps = (
        _null("EntityMapList")
        if entity.maps is None
        else _list("EntityMapList", "".join(map(_map_xml, entity.maps)))
    )
    # The order is the product's: alphabetical. Its exports do not write SkipStaging, its readers
    # take it.
    skip_staging = _element("SkipStaging", entity.skip_staging) if entity.skip_staging else ""
    return _list(
        "DataManagementPackageEntityData",
        _element("DefaultRefreshType", entity.refresh_type)
        + _element("Disable", entity.disabled)
        + maps
        + _element("EntityName", entity.label)
        + _null("EntityTransformList")
        + _element("ExcelSheetName", entity.sheet)
        + _element("ExecutionUnit", entity.unit)
        + _element("FailExecutionUnitOnError", entity.fail_unit_on_error)
        + _element("FailLevelOnError", entity.fail_level_on_error)
        + _element("InputFilePath", entity.file_name)
        + _element("LevelInExecutionUnit", entity.level)
        + (_element("QueryData", entity.query) if entity.query else "")
        + _null("QueryFilter")
        + _element("RunBusinessLogic", entity.run_business_logic)
        + _element("RunBusinessValidation", entity.run_business_validation)
        + _element("SampleFilePath", entity.sample_file)
        + _element("SequenceInLevel", entity.sequence)
        + skip_staging
        + _element("SourceFormat", entity.source_format)
        + _element("TargetEntity", target_entity)
        + _element("ValidationStatus", entity.validation_status),
    )


def _map_xml(item: FieldMap) -> str:
    return _list(
        "EntityMap",
        _element("ArrayIndex", item.array_index)
        + _element("EntityField", item.entity_field)
        + _conversions_xml(item.conversions)
        + _element("IsAutoDefault", item.auto_default)
        + _element("IsAutoGenerated", item.auto_generated)
        + _element("IsDefaultValueEqualNull", item.default_when_empty)
        + _element("UseTextQualifier", item.text_qualifier)
        + _element("XMLField", item.xml_field),
    )


def _conversions_xml(conversions: tuple[Conversion, ...]) -> str:
    name = "EntityFieldConversionList"
    if not conversions:
        return _null(name)
    return _list(
        name,
        "".join(
            _list("EntityFieldConversion", "".join(starmap(_element, members_of(one).items())))
            for one in conversions
        ),
    )


def _element(name: str, value: str | int | bool) -> str:
    text = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{text}</{name}>" if text else f"<{name} />"


def _list(name: str, children: str) -> str:
    return f"<{name}>{children}</{name}>" if children else f"<{name} />"


def _null(name: str) -> str:
    return f'<{name} i:nil="true" />'


def _document(file_name: str, root: str, children: str) -> bytes:
    if unwritable := _NOT_XML.search(children):
        raise ControlFileInvalid(
            file_name, f"XML cannot hold the character {unwritable[0]!r} of a name"
        )
    text = f'<{root} xmlns:i="{_INSTANCE}" xmlns="{NAMESPACE}">{children}</{root}>'
    return b"\xff\xfe" + text.encode("utf-16-le")
