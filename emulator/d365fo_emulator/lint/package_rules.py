"""The rules of the zip, the control files and the maps; `rules.RULES` has all."""

from __future__ import annotations

from d365fo_emulator.lint.model import Rule, Severity

E, F, S, W = Severity.REFUSED, Severity.FAILS, Severity.SILENT, Severity.FRAGILE

PACKAGE_RULES = (
    Rule(
        "PKG001",
        E,
        "the file is no zip",
        "A package is a zip. Of anything else the service only finds that no PackageHeader.xml was"
        " unpacked, and says so.",
        "Pack the data file with Manifest.xml and PackageHeader.xml into a zip.",
        "inferred",
    ),
    Rule(
        "PKG002",
        E,
        "PackageHeader.xml is not at the root",
        "The call is refused with `Could not find file '…\\PackageHeader.xml'.` The usual causes:"
        " the folder was zipped instead of what is in it, or a plain workbook was sent, which is a"
        " zip of its own.",
        "Zip the files, not their folder; wrap a plain data file into a package.",
        "recorded",
        fixable=True,
    ),
    Rule(
        "PKG003",
        E,
        "Manifest.xml is not at the root",
        "The call is refused as for a missing header, with the manifest's name.",
        "Put Manifest.xml at the root of the zip.",
        "inferred",
        fixable=True,
    ),
    Rule(
        "PKG004",
        F,
        "a file that InputFilePath names is missing",
        "Releases since about 2020 say that the file is missing; older ones staged nothing for the"
        " entity and said nothing.",
        "Add the file, correct InputFilePath, or take the entity out of the manifest.",
        "documented",
    ),
    Rule(
        "PKG005",
        S,
        "the package has no data file at all",
        "The call answers with an execution id, but no execution appears: its status stays"
        " `Execution details were not found` for ever.",
        "Add the data files.",
        "client",
    ),
    Rule(
        "PKG006",
        W,
        "a file that no entity names",
        "The service does not look at it.",
        "Name it in the manifest, or leave it out.",
        "client",
    ),
    Rule(
        "PKG007",
        E,
        "the zip cannot be unpacked safely",
        "Two files of one name (letter case aside), names that leave the folder, encrypted files,"
        " methods of compression beside store and deflate, more files or bytes than an honest"
        " package has.",
        "Write the zip anew: each file once, plain names, deflate, no password.",
        "inferred",
    ),
    Rule(
        "PKG008",
        W,
        "a control file is named in other letter case",
        "The service unpacks on Windows, where case does not count; some clients look for the exact"
        " name.",
        "Name them Manifest.xml and PackageHeader.xml.",
        "inferred",
        fixable=True,
    ),
    Rule(
        "PKG009",
        F,
        "a file of the zip is damaged",
        "It does not unpack, or its checksum does not fit.",
        "Write the zip anew; upload it as binary.",
        "inferred",
    ),
    Rule(
        "PKG010",
        W,
        "a file's name holds what Windows forbids",
        'The service unpacks on Windows, which forbids < > : " | ? * and control characters,'
        " names such as CON and NUL, and a dot or blank at the end.",
        "Rename it, in InputFilePath too: exports drop such characters from the label.",
        "inferred",
        emulator="takes the name as it is",
    ),
)

MANIFEST_RULES = (
    Rule(
        "MAN001",
        E,
        "a control file is no well-formed XML",
        "Also: a document type declaration, elements nested beyond all measure, or an encoding"
        " that is not what the file declares.",
        "Write it anew: UTF-8, or UTF-16 with byte order mark.",
        "inferred",
    ),
    Rule(
        "MAN002",
        E,
        "a control file has another root or namespace",
        "The product's reader looks for its own root element in its own namespace.",
        "Take root and namespace from an exported package.",
        "inferred",
    ),
    Rule(
        "MAN003",
        S,
        "elements are not in alphabetical order",
        "The product's reader expects the elements of an object in alphabetical order and silently"
        " skips one that comes too late: it then has its default.",
        "Sort the elements.",
        "inferred",
        fixable=True,
        emulator="takes any order",
    ),
    Rule(
        "MAN004",
        S,
        "EntityMapList is missing or empty",
        "Seen on a real environment: the execution succeeds, with zero rows.",
        "Write an EntityMap for each column.",
        "client",
        fixable=True,
    ),
    Rule(
        "MAN005",
        E,
        "EntityName is not the entity's label",
        "Entities are found by their label (`Customer groups`), not by AOT or collection name."
        " The call is refused with `Entity … does not exist in the target environment`.",
        "Write the label; labels depend on the environment's language.",
        "client",
        fixable=True,
    ),
    Rule(
        "MAN006",
        F,
        "several entities have this label",
        "Labels are not unique; without TargetEntity the service may take another entity.",
        "Add TargetEntity with the AOT name.",
        "documented",
        emulator="takes the first",
    ),
    Rule(
        "MAN007",
        W,
        "an entity is listed twice",
        "Which of the two settings count is not known.",
        "Put all rows into one file, or use two packages.",
        "inferred",
    ),
    Rule(
        "MAN008",
        F,
        "the project's name has an apostrophe",
        "The job fails.",
        "Name the project otherwise.",
        "documented",
        emulator="takes the name",
    ),
    Rule(
        "MAN009",
        S,
        "name or description is longer than 60 characters",
        "The field has 60 characters; the rest is cut off, and later calls with the whole name do"
        " not find the project.",
        "Shorten it.",
        "client",
        fixable=True,
        emulator="keeps the whole text",
    ),
    Rule(
        "MAN010",
        F,
        "SourceFormat is unknown or does not fit the file",
        "The format is the name of a data source of the environment. DMF1855: the type of the file"
        " does not fit it. When the file's name alone does not fit, that is odd only (W).",
        "Name the format that the file has.",
        "documented",
    ),
    Rule(
        "MAN011",
        F,
        "an entity comes before, or beside, one that it refers to",
        "Units run at the same time, and so do entities of one level and sequence: rows may be"
        " checked against an entity that is not there yet.",
        "Give the entity that is referred to a lower level or sequence in the same unit.",
        "documented",
    ),
    Rule(
        "MAN012",
        F,
        "a composite entity is not alone, not XML, or lacks parts",
        "A package takes one composite entity alone, as XML, with an element of each of its"
        " entities (DMF1963, MAP011). Its data project must be there before, and the call's"
        " overwrite be false.",
        "Give the composite entity a package of its own.",
        "documented",
    ),
    Rule(
        "MAN013",
        W,
        "the header's type or version is none that the product writes",
        "What the service does with it is not known.",
        "Write the values of exported packages (version 2).",
        "client",
        fixable=True,
    ),
    Rule(
        "MAN014",
        W,
        "SkipStaging is set",
        "Rows go to the target directly: virtual fields must not be mapped (DMF030), and there is"
        " no staging to take error files from.",
        "Leave it out unless the rows are many and clean.",
        "documented",
    ),
    Rule(
        "MAN015",
        W,
        "something that the emulator does not emulate",
        "The service may well take it; an import into the emulator answers 501.",
        "Test this package against a real environment.",
        "inferred",
    ),
    Rule(
        "MAN016",
        E,
        "an element's value is of another type",
        "A whole number, or true or false, was expected; the product's reader gives up.",
        "Write a number, `true` or `false`.",
        "inferred",
    ),
    Rule(
        "MAN017",
        W,
        "the entity is not in the catalogue",
        "The emulator's catalogue holds the common standard entities. Nothing can be said of this"
        " one's fields, keys and values; if the name is wrong, the call is refused.",
        "Compare the name with the environment's list of entities, or describe the entity in an"
        " environment file.",
        "inferred",
    ),
    Rule(
        "MAN018",
        S,
        "the entity is disabled",
        "It is skipped without a word.",
        "Set Disable to false.",
        "documented",
    ),
    Rule(
        "MAN019",
        W,
        "an element that the product does not know",
        "Its reader ignores it; a name in other letter case is another name.",
        "Spell it as exported packages do.",
        "inferred",
    ),
    Rule(
        "MAN020",
        F,
        "ValidationStatus says that the mapping is not sound",
        "Seen of entities without a mapping whose status was `No`: the execution was Executing for"
        " as long as anybody watched. With maps it is odd only (W).",
        "Set it to Yes when the maps are complete.",
        "recorded",
    ),
)

MAPPING_RULES = (
    Rule(
        "MAP001",
        F,
        "a mapped column is not in the file",
        "DMF2025 or DMF2060: the entity fails at its source step, no row is staged.",
        "Name the column as the map does, or take the map out.",
        "documented",
    ),
    Rule(
        "MAP002",
        S,
        "a column of the file has no map",
        "It is ignored.",
        "Add a map, or leave the column out.",
        "client",
    ),
    Rule(
        "MAP003",
        F,
        "no mapped column is in the file",
        "DMF1966: file and mapping do not match; the entity fails.",
        "Check that the file belongs to this entity and that its first row is the header.",
        "documented",
    ),
    Rule(
        "MAP004",
        F,
        "a map names a field that the entity lacks",
        "The mapping is in error. The built-in catalogue holds the main fields only: of its"
        " entities only names that are nearly those of a field are reported (W).",
        "Spell the field as the staging table does.",
        "documented",
        emulator="learns the field as a text",
    ),
    Rule(
        "MAP005",
        F,
        "a key or mandatory field is neither mapped nor filled",
        "New rows fail with `Field '…' must be filled in.`; rows that exist may be updated.",
        "Map the field, or fill it by a default or a number sequence.",
        "documented",
    ),
    Rule(
        "MAP006",
        F,
        "a field is mapped twice, or a map names none",
        "DMF1966: file and mapping do not match.",
        "Leave one of the maps.",
        "inferred",
        fixable=True,
    ),
    Rule(
        "MAP007",
        W,
        "an enumeration's default is its first value",
        "Older builds saved 0 as the default of an enumeration by mistake.",
        "Check whether the default is meant.",
        "documented",
    ),
    Rule(
        "MAP008",
        W,
        "a map names a field that is only exported",
        "Read-only fields stand in exported files; values for them are not taken.",
        "Take the map out.",
        "client",
    ),
    Rule(
        "MAP009",
        E,
        "more fields than an entity can hold",
        "A staging table has a limited number of columns.",
        "Map only what the entity has.",
        "inferred",
    ),
    Rule(
        "MAP010",
        W,
        "mapped fields that the catalogue does not know",
        "The built-in catalogue holds the main fields of an entity; exports map all. Nothing can be"
        " said of the values of the others: they are taken as texts of any length.",
        "Describe the entity in an environment file when they matter, or ignore this rule.",
        "inferred",
    ),
    # MAP011 is a code of the product's own: what an incomplete composite file fails with.
    Rule(
        "MAP012",
        F,
        "a mapped column is in the file twice",
        "DMF1966: which of the two is meant cannot be told.",
        "Leave one of the columns.",
        "inferred",
    ),
)
