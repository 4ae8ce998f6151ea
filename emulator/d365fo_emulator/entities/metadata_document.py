"""Reading the `$metadata` document of a real environment: EDMX of OData 4.0.

Such a document has three thousand entity sets and tens of megabytes. It is read once, in pieces,
by expat; what is kept of a property is a handful of interned texts. Parts of one element that
cannot be used (a set without a type, a type without key) leave that set out and are reported; a
document that is no metadata at all is refused.

What such a document does not have: labels, AOT names, staging names. `entities.metadata_entities`
adds them from an entity list and from the built-in catalogue.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING
from xml.parsers import expat

from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
EDM = "http://docs.oasis-open.org/odata/ns/edm"
PIECE = 256 * 1024
LONGEST_MARKUP = 1024 * 1024
"""Most bytes of one tag or text: what is longer is no metadata, and would fill the memory."""
MOST_DEPTH = 64
MOST_ELEMENTS = 8_000_000
"""Most elements of a document; real ones have some hundred thousand."""
COMPUTED = "Org.OData.Core.V1.Computed"
_END = " "  # parts namespace from name in what expat tells


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an entity type; `max_length` 0: not said."""

    name: str
    type: str
    nullable: bool = True
    max_length: int = 0
    scale: str = ""


@dataclass(slots=True)
class Type:
    """One entity type as it stands; `base` is its qualified name, "" for none."""

    name: str
    base: str = ""
    abstract: bool = False
    keys: list[str] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)
    computed: set[str] = field(default_factory=set)
    references: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Property to the type and property that it must exist as."""


@dataclass(slots=True)
class MetadataDocument:
    """What was read.

    Attributes:
        sets: collection to the qualified name of its type, in the document's order.
        types: by qualified name.
        enums: members with their numbers, by qualified name.
        problems: what was left out and why, one sentence each.

    """

    sets: dict[str, str] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    enums: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def usable(self) -> Iterator[tuple[str, Type]]:
        """Collections with their types, base types joined in; the others become problems."""
        for collection, qualified in self.sets.items():
            try:
                yield collection, self._whole(qualified)
            except ConfigurationError as error:
                self.problems.append(f"{collection}: {error}")

    def _whole(self, qualified: str) -> Type:
        lineage: list[Type] = []
        name = qualified
        while name:
            one = self.types.get(name)
            if one is None:
                raise ConfigurationError(f"there is no entity type {name!r}")
            if any(one is other for other in lineage):
                raise ConfigurationError(f"the base types of {qualified!r} run in a ring")
            lineage.append(one)
            name = one.base
        if len(lineage) == 1:
            whole = lineage[0]
        else:
            whole = Type(lineage[0].name)
            for one in reversed(lineage):
                whole.keys += one.keys
                whole.properties += one.properties
                whole.computed |= one.computed
                whole.references.update(one.references)
        _check(whole)
        return whole


def read_metadata(
    stream: IO[bytes], source: str, *, on_bytes: Callable[[int], object] | None = None
) -> MetadataDocument:
    """Reads a document.

    Args:
        stream: its bytes.
        source: names it in errors.
        on_bytes: told how many bytes were read so far.

    Raises:
        ConfigurationError: no well-formed XML, a DOCTYPE (so no entity can expand), another root
            or version, an element too large, no entity set at all; with line and column.

    """
    reader = _Reader(source)
    parser = reader.parser
    fed = 0
    try:
        while piece := stream.read(PIECE):
            parser.Parse(piece, False)
            fed += len(piece)
            if fed - max(parser.CurrentByteIndex, 0) > LONGEST_MARKUP + PIECE:
                raise reader.refused(f"one tag or text is longer than {LONGEST_MARKUP} bytes")
            if on_bytes is not None:
                on_bytes(fed)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        text = expat.errors.messages[error.code]
        place = f"line {error.lineno}, column {error.offset + 1}"
        raise ConfigurationError(f"{source}, {place}: no metadata document: {text}") from None
    except (LookupError, ValueError):
        raise ConfigurationError(f"{source}: no metadata document: unknown encoding") from None
    if not reader.document.sets:
        raise ConfigurationError(f"{source}: the document has no entity set")
    return reader.document


class _Reader:
    """Takes expat's events down; which element may stand where is not checked beyond its parent."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.document = MetadataDocument()
        self.parser = expat.ParserCreate(namespace_separator=_END)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start_root
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._depth = 0
        self._elements = 0
        self._namespace = ""
        self._aliases: dict[str, str] = {}
        self._type: Type | None = None
        self._enum: dict[str, int] | None = None
        self._property = ""
        self._navigation = ""
        self._constraints: dict[str, str] = {}
        edm = {
            "Schema": self._schema,
            "EntityType": self._entity_type,
            "ComplexType": self._other_type,
            "EnumType": self._enum_type,
            "Member": self._member,
            "Property": self._add_property,
            "PropertyRef": self._property_ref,
            "NavigationProperty": self._navigation_property,
            "ReferentialConstraint": self._constraint,
            "Annotation": self._annotation,
            "EntitySet": self._entity_set,
        }
        self._starts = {f"{EDM}{_END}{name}": handler for name, handler in edm.items()}

    def refused(self, why: str) -> ConfigurationError:
        """The refusal of the whole document, with the place that was reached."""
        line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        return ConfigurationError(f"{self.source}, line {line}, column {column}: {why}")

    def _doctype(self, *_: object) -> None:
        raise self.refused("a DOCTYPE is not taken: metadata documents have none")

    def _start_root(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(_END)
        if local != "Edmx":
            raise self.refused(f"a metadata document begins with Edmx, not with {local}")
        if namespace != EDMX or not attributes.get("Version", "4.").startswith("4."):
            version = attributes.get("Version", "?")
            raise self.refused(
                f"Edmx of version {version} in the namespace {namespace or '(none)'}:"
                f" only that of OData 4.0 is read ({EDMX})"
            )
        self._depth = 1
        self.parser.StartElementHandler = self._start

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise self.refused(f"elements stand more than {MOST_DEPTH} deep in one another")
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise self.refused(f"more than {MOST_ELEMENTS} elements")
        handler = self._starts.get(name)
        if handler is not None:
            handler(attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        local = name.rpartition(_END)[2]
        if local == "Property":
            self._property = ""
        elif local == "NavigationProperty":
            self._end_navigation()
        elif local in ("EntityType", "ComplexType"):
            self._type = None
        elif local == "EnumType":
            self._enum = None

    # Elements

    def _schema(self, attributes: Mapping[str, str]) -> None:
        self._namespace = attributes.get("Namespace", "")
        if alias := attributes.get("Alias"):
            self._aliases[alias] = self._namespace

    def _entity_type(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("Name", "")
        one = Type(name, self._qualified(attributes.get("BaseType", "")))
        if self._is_new(self.document.types, name, "entity type"):
            self.document.types[f"{self._namespace}.{name}"] = one
        self._type = one

    def _other_type(self, _attributes: Mapping[str, str]) -> None:
        self._type = None

    def _enum_type(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("Name", "")
        self._enum = {}
        if self._is_new(self.document.enums, name, "enumeration"):
            self.document.enums[f"{self._namespace}.{name}"] = self._enum

    def _is_new(self, known: Mapping[str, object], name: str, what: str) -> bool:
        if name and f"{self._namespace}.{name}" not in known:
            return True
        called = f"comes twice: {name}" if name else "has no name"
        self.document.problems.append(f"line {self.parser.CurrentLineNumber}: {what} {called}")
        return False

    def _member(self, attributes: Mapping[str, str]) -> None:
        if self._enum is None or not (name := attributes.get("Name")):
            return
        value = attributes.get("Value", "")
        number = int(value) if _is_number(value) else max(self._enum.values(), default=-1) + 1
        self._enum[sys.intern(name)] = number

    def _add_property(self, attributes: Mapping[str, str]) -> None:
        if self._type is None or not (name := attributes.get("Name")):
            return
        length = attributes.get("MaxLength", "")
        self._property = sys.intern(name)
        self._type.properties.append(
            Property(
                self._property,
                self._qualified(attributes.get("Type", "Edm.String")),
                attributes.get("Nullable", "true") != "false",
                int(length) if _is_number(length) else 0,
                attributes.get("Scale", ""),
            )
        )

    def _property_ref(self, attributes: Mapping[str, str]) -> None:
        if self._type is not None and (name := attributes.get("Name")):
            self._type.keys.append(sys.intern(name))

    def _navigation_property(self, attributes: Mapping[str, str]) -> None:
        self._navigation = self._qualified(attributes.get("Type", ""))
        self._constraints = {}

    def _constraint(self, attributes: Mapping[str, str]) -> None:
        here, there = attributes.get("Property"), attributes.get("ReferencedProperty")
        if here and there:
            self._constraints[here] = there

    def _end_navigation(self) -> None:
        """A link by one field, the company left out, is a reference of that field."""
        links = [(h, t) for h, t in self._constraints.items() if h.casefold() != "dataareaid"]
        if self._type is not None and len(links) == 1 and "(" not in self._navigation:
            here, there = links[0]
            self._type.references.setdefault(here, (self._navigation, there))
        self._constraints = {}

    def _annotation(self, attributes: Mapping[str, str]) -> None:
        if self._type is None or attributes.get("Term") != COMPUTED or not self._property:
            return
        if attributes.get("Bool", "true") == "true":
            self._type.computed.add(self._property)

    def _entity_set(self, attributes: Mapping[str, str]) -> None:
        name, of_type = attributes.get("Name", ""), attributes.get("EntityType", "")
        line = self.parser.CurrentLineNumber
        if not name or not of_type:
            said = name or "an entity set without a name"
            self.document.problems.append(f"line {line}: {said} has no type")
        elif name in self.document.sets:
            self.document.problems.append(f"line {line}: the entity set {name} comes twice")
        else:
            self.document.sets[name] = self._qualified(of_type)

    def _qualified(self, name: str) -> str:
        """`name` with its namespace in full, and interned: few types, many properties."""
        space, _, local = name.rpartition(".")
        if space in self._aliases:
            name = f"{self._aliases[space]}.{local}"
        return sys.intern(name)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _check(whole: Type) -> None:
    if not whole.keys:
        raise ConfigurationError(f"its type {whole.name} has no key")
    names = {one.name for one in whole.properties}
    if len({name.casefold() for name in names}) < len(whole.properties):
        raise ConfigurationError(f"its type {whole.name} has two properties of one name")
    for key in whole.keys:
        if key not in names:
            raise ConfigurationError(f"its type {whole.name} has no property {key!r} for its key")
