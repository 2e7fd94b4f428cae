"""Opens the reports of a run folder as a person would: the HTML in headless Chromium with no network, the
workbook in openpyxl. usage: python3 tests/looks.py RUN_FOLDER"""

import pathlib
import subprocess
import sys
import tempfile

import openpyxl

FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --v=0"
).split()


def page(path):
    """The page as laid out, and what the console said."""
    with tempfile.TemporaryDirectory() as profile:
        command = ["chromium", *FLAGS, f"--user-data-dir={profile}", "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", path.resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, console


def main():
    run = pathlib.Path(sys.argv[1])
    problems = []
    for name in ("report.html", "working-papers.html"):
        dom, console = page(run / name)
        if "</html>" not in dom or "<h1" not in dom:
            problems.append(f"{name}: no page came out")
        problems += [f"{name}: {line}" for line in console]
    book = openpyxl.load_workbook(run / "workbook.xlsx")
    wanted = {"Cover", "Assessment", "Exceptions", "Evidence"}
    if not wanted <= set(book.sheetnames):
        problems.append(f"workbook.xlsx: sheets are {book.sheetnames}")
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f" and not str(cell.value).startswith("=HYPERLINK(\"#"):
                    problems.append(f"workbook.xlsx {sheet.title}!{cell.coordinate}: a formula: {cell.value}")
    print("\n".join(problems) or "both pages and the workbook open")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
