"""The rules of data files and their rows; `rules.RULES` has all."""

from __future__ import annotations

from d365fo_emulator.lint.model import Rule, Severity

E, F, S, W = Severity.REFUSED, Severity.FAILS, Severity.SILENT, Severity.FRAGILE

DELIMITED_RULES = (
    Rule(
        "CSV001",
        F,
        "a Unicode format whose file is not UTF-16 with byte order mark",
        "The entity fails with `Selected file is not Unicode`.",
        "Save as UTF-16 LE with byte order mark, or use the format CSV.",
        "client",
        fixable=True,
    ),
    Rule(
        "CSV002",
        S,
        "a CSV file is UTF-8",
        "Data sources read CSV by their code page, by default Windows-1252: characters beyond"
        " ASCII become two or three others, without a word.",
        "Use CSV-Unicode, or a data source with code page 65001.",
        "documented",
        emulator="recognises UTF-8 and reads it right",
    ),
    Rule(
        "CSV003",
        F,
        "the header row is missing or blank",
        "FF004: the first line must name the columns.",
        "Write the header into the first line.",
        "documented",
    ),
    Rule(
        "CSV004",
        F,
        "rows of another number of values, a quote never closed, blank lines",
        "DMF2050: the entity fails, no row is staged.",
        "Quote values that hold the delimiter, double quotes inside; leave no blank lines.",
        "documented",
    ),
    Rule(
        "CSV005",
        F,
        "another delimiter than the format's",
        "DMF1999: the delimiter is not in the file.",
        "Write the delimiter of the format, or name the format that has yours.",
        "documented",
    ),
    Rule(
        "CSV006",
        F,
        "the file has no data row",
        "DMF2053 `Import file empty`: at least one row is wanted.",
        "Leave the entity out of the package when it has no rows.",
        "documented",
    ),
    Rule(
        "CSV007",
        E,
        "lines of a CSV-Unicode file end in LF alone",
        "The header is then taken for one long column; the call is refused with"
        " `the mapping is incorrect for entity … and field …`.",
        "End lines with CRLF.",
        "client",
        fixable=True,
    ),
)

SHEET_RULES = (
    Rule(
        "XLS001",
        F,
        "more than a worksheet of the product takes",
        "At most 255 columns (DMF2009). Texts beyond 255 characters are cut when a column's first"
        " rows are short, which is why exports add a dummy row: it must go before an import (S).",
        "Use another format for wide tables and long texts; delete the dummy row.",
        "documented",
        emulator="keeps long texts, and imports the dummy row as a row",
    ),
    Rule(
        "XLS002",
        F,
        "the sheet is not the one that ExcelSheetName names",
        "The entity fails when the sheet is not there. Of several sheets one alone is read (W).",
        "Name the sheet (with `$` at the end), or leave ExcelSheetName empty.",
        "client",
        fixable=True,
    ),
    Rule(
        "XLS003",
        W,
        "cells hold formulas, numbers or dates",
        "The product writes every cell as text. Numbers and dates are turned into text by the"
        " server's culture, and of formulas the value last computed counts.",
        "Write texts: ISO dates, a decimal point.",
        "client",
    ),
)

XML_RULES = (
    Rule(
        "XML001",
        F,
        "root, rows or fields are not as the entity's format has them",
        "`XML is not in correct format-Exception from HRESULT: 0xC0010009`; no row is staged.",
        "Root Document, a row element of the entity's AOT name in upper case, fields as elements"
        " (XML-Element) or attributes (XML-Attribute).",
        "documented",
    ),
    Rule(
        "XML002",
        F,
        "control characters in an XML file",
        "DMF2055: XML holds no control characters but tab and line breaks.",
        "Remove them.",
        "documented",
    ),
)

ROW_RULES = (
    Rule(
        "ROW001",
        F,
        "two rows have one key",
        "DMF1959: the whole load fails, not the second row alone.",
        "Leave one of them.",
        "documented",
    ),
    Rule(
        "ROW002",
        F,
        "a key or mandatory value is empty",
        "The row fails with `Field '…' must be filled in.`",
        "Fill it in.",
        "recorded",
    ),
    Rule(
        "ROW003",
        F,
        "a text is longer than its field",
        "DMF2018: it might overflow the column.",
        "Shorten it.",
        "documented",
    ),
    Rule(
        "ROW004",
        F,
        "not a number, date or time of the format's culture",
        "DMF2016 or DMF2018: the entity fails. A date such as 02/03/2025 is taken, as the culture"
        " has it (S).",
        "Write ISO dates (2025-03-02) and a decimal point without groups.",
        "documented",
    ),
    Rule(
        "ROW005",
        F,
        "a value is none of its enumeration",
        "DMF021. A label instead of the symbol depends on the language (W).",
        "Write the symbol.",
        "documented",
    ),
    Rule(
        "ROW006",
        F,
        "a value that the referenced entity does not have",
        "`The value '…' in field '…' is not found in the related table '…'.` Judged only where the"
        " package (or the environment file) brings rows of that entity; an environment may have"
        " more.",
        "Add the row to the referenced entity, or correct the value.",
        "client",
    ),
    Rule(
        "ROW007",
        S,
        "a row names another company than the job's",
        "The call's legalEntityId is the company of the rows.",
        "Leave the company column out, or import each company by a call of its own.",
        "inferred",
        emulator="stores the row under the company that it names",
    ),
    Rule(
        "ROW008",
        F,
        "a row is refused for another reason",
        "A check of rows that has no rule of its own.",
        "Read the message.",
        "inferred",
    ),
    Rule(
        "ROW009",
        W,
        "more values than are kept in memory",
        "Keys and referenced values beyond a bound are not compared.",
        "Split the file when they are to be checked.",
        "inferred",
    ),
    Rule(
        "ROW010",
        F,
        "a row names a company that does not exist",
        "Judged where an environment file says which companies there are.",
        "Correct the company, or describe it in the environment file.",
        "inferred",
    ),
)
