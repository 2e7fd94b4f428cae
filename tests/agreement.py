"""Runs every exported statement in DuckDB on the exported Parquet, and compares its rows with ours.

usage: python3 tests/agreement.py EXPORT [EXPORT ...]    (each made by `assure export`)
Ends with a line `N passed, M failed`; exit code 1 if any failed or nothing was compared.
"""

import datetime
import json
import pathlib
import sys

import duckdb


def text(value):
    """A value as `assure` writes it: times in ISO 8601 UTC, a fraction only where there is one."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        written = value.strftime("%Y-%m-%dT%H:%M:%S")
        if value.microsecond:
            written += f".{value.microsecond:06d}".rstrip("0")
        return written + "Z"
    return str(value)


def compare(export):
    passed, failed = 0, 0
    engine = duckdb.connect()
    engine.execute("SET TimeZone = 'UTC'")
    for table in sorted((export / "tables").glob("*.parquet")):
        engine.execute(f"CREATE VIEW {table.stem} AS SELECT * FROM read_parquet('{table}')")
    for statement in json.loads((export / "statements.json").read_text()):
        name = f"{export.name}: {statement['control']} {statement['test']} ({statement['segment']})"
        ours = sorted(json.dumps(row) for row in statement["rows"])
        result = engine.execute((export / statement["sql"]).read_text())
        columns = [column[0] for column in result.description]
        theirs = sorted(json.dumps([text(value) for value in row]) for row in result.fetchall())
        if columns == statement["columns"] and ours == theirs:
            passed += 1
            continue
        failed += 1
        print(f"DIFFERENT {name}: {len(ours)} rows here, {len(theirs)} in DuckDB")
        for row in sorted(set(ours) ^ set(theirs))[:6]:
            print("   only", "here  " if row in ours else "DuckDB", row[:300])
    return passed, failed


def main():
    totals = [compare(pathlib.Path(argument)) for argument in sys.argv[1:]]
    passed, failed = sum(p for p, _ in totals), sum(f for _, f in totals)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
