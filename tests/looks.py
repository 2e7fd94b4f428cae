"""Opens the reports of a run folder as a person would: the HTML in headless Chromium with no network, on screen and
printed, the workbook in openpyxl and, where it is there, in LibreOffice. usage: python3 tests/looks.py RUN_FOLDER"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import openpyxl

FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --v=0"
).split()
SHEETS = [
    "Cover", "Summary", "Assessment", "Findings", "Exceptions", "Evidence", "Requests", "Data quality", "Timeline",
    "Certificates and CRLs", "Key register", "Method and limits", "Lists", "Meta",
]
LIVE = {("Summary", 4)}


def chromium(path, *arguments):
    """What a headless Chromium without a network says of a page."""
    with tempfile.TemporaryDirectory() as profile:
        command = ["chromium", *FLAGS, f"--user-data-dir={profile}", "--host-resolver-rules=MAP * ~NOTFOUND", *arguments]
        return subprocess.run([*command, path.resolve().as_uri()], capture_output=True, text=True, timeout=120)


def pages(path, work):
    """The text of each printed page, in the order of reading."""
    pdf = work / "printed.pdf"
    chromium(path, f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
    text = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    return [" ".join(page.split()) for page in text.split("\f")]


def html(run, work):
    for name in ("report.html", "working-papers.html"):
        done = chromium(run / name, "--dump-dom")
        if "</html>" not in done.stdout or "<h1" not in done.stdout:
            yield f"{name}: no page came out"
        yield from (f"{name}: {line}" for line in done.stderr.splitlines() if "CONSOLE" in line)
    if shutil.which("pdftotext"):
        printed = pages(run / "report.html", work)
        if "End of page one." not in printed[0]:
            yield "report.html: page one does not fit on one printed page"
        if len(printed) < 3 or "Every control" not in " ".join(printed[1:]):
            yield "report.html: the print lacks what follows page one"


def workbook(run):
    book = openpyxl.load_workbook(run / "workbook.xlsx")
    names = book.sheetnames
    if names != [name for name in SHEETS if name in names] or not {"Cover", "Lists", "Meta"} <= set(names):
        yield f"workbook.xlsx: sheets are {names}"
    for sheet in book:
        if sheet.title not in ("Cover", "Summary", "Lists") and len(sheet.tables) != 1:
            yield f"workbook.xlsx {sheet.title}: {len(sheet.tables)} tables"
        for row in sheet.iter_rows():
            for cell in row:
                ours = (sheet.title, cell.column) in LIVE or (sheet.title == "Assessment" and sheet.cell(4, cell.column).value == "T: Check")
                if cell.data_type == "f" and not ours:
                    yield f"workbook.xlsx {sheet.title}!{cell.coordinate}: a formula: {cell.value}"


def recalculated(run, work):
    """LibreOffice has to count for itself: openpyxl saves formulas without the results they came with."""
    openpyxl.load_workbook(run / "workbook.xlsx").save(work / "bare.xlsx")
    command = ["soffice", "--headless", f"-env:UserInstallation={(work / 'office').as_uri()}", "--convert-to", "xlsx:Calc MS Excel 2007 XML"]
    subprocess.run([*command, "--outdir", str(work / "out"), str(work / "bare.xlsx")], capture_output=True, timeout=300, check=True)
    book = openpyxl.load_workbook(work / "out" / "bare.xlsx", data_only=True)
    counted = 0
    for row in book["Summary"].iter_rows(min_row=5):
        live, snapshot = row[3].value, row[4].value
        if isinstance(snapshot, (int, float)):
            counted += 1
            if live != snapshot:
                yield f"workbook.xlsx Summary!D{row[0].row}: {row[0].value}: LibreOffice counts {live}, the run {snapshot}"
    if counted < 20:
        yield f"workbook.xlsx Summary: only {counted} counts"


def main():
    run = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        problems = [*html(run, work), *workbook(run)]
        if shutil.which("soffice"):
            problems += recalculated(run, work)
    print("\n".join(problems) or "both pages and the workbook open")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
