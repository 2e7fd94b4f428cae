"""Runs `assure` on a large EJBCA log that it generates, or on an engagement, and sets time and memory beside
`sha256sum` of the same evidence in the same run.

usage: python3 tests/scale.py PROGRAM [LINES | ENGAGEMENT]
"""

import datetime
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time


def generate(path, lines):
    """Issuances, revocations, CRLs and checks of access, a little over two a second, from one seedless rule."""
    start = datetime.datetime(2020, 9, 1, tzinfo=datetime.timezone.utc)
    with open(path, "w", encoding="utf-8") as out:
        for number in range(lines):
            at = start + datetime.timedelta(seconds=number * 5_000_000 // lines)
            stamp = at.strftime("%Y-%m-%d %H:%M:%S")
            prefix = f"{stamp},{number % 1000:03d} INFO  [org.cesecore.audit.impl.log4j.Log4jDevice] (default task-{number % 32}) {stamp}+00:00"
            serial = f"{(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % (1 << 127):032X}"
            kind = number % 10
            if kind < 4:
                record = f"CERT_CREATION;SUCCESS;CERTIFICATE;CORE;CN=RA Officer {number % 7},O=Sample,C=GB;-578467253;{serial};DEV-{number};subjectdn=CN=DEV-{number};certprofile=1;issuancerevocationreason=-1"
            elif kind == 4:
                record = f"CERT_REVOKED;SUCCESS;CERTIFICATE;CORE;CN=RA Officer {number % 7},O=Sample,C=GB;-578467253;{serial};DEV-{number - 4};msg=Revoked certificate.;reason=1"
            elif kind == 5:
                record = f"CRL_CREATION;SUCCESS;CRL;CORE;ScheduledTask;-578467253;;;msg=CRL number {number} created."
            else:
                record = f"ACCESS_CONTROL;SUCCESS;ACCESSCONTROL;CORE;CN=Administrator {number % 5},O=Sample,C=GB;;;;resource0=/administrator;resource1=/system_functionality/view_audit_log"
            out.write(f"{prefix};{record}\n")


def measured(command, **options):
    """Wall seconds, processor seconds and peak memory in MiB of one command."""
    began = time.monotonic()
    process = subprocess.Popen(command, **options)
    _, status, usage = os.wait4(process.pid, 0)
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def compared(program, evidence, arguments, folder, what):
    """Prints what hashing the evidence costs, and what a run costs, with and without tables kept from the run before."""
    files = [path for path in evidence.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    rows = [("sha256sum", measured(["sha256sum", *files], stdout=subprocess.DEVNULL))]
    for name in ("run, first time", "run, tables kept"):
        rows.append((name, measured([program, "run", *arguments, "--quiet", "--out", "out"], cwd=folder, stderr=subprocess.DEVNULL)))
        shutil.rmtree(folder / "out")
    print(f"{what}, {size:.1f} MB")
    base = rows[0][1]
    for name, (wall, cpu, memory, code) in rows:
        print(f"{name:<18} wall {wall:6.1f} s  cpu {cpu:6.1f} s  {size / wall:7.1f} MB/s  x{wall / base[0]:5.1f} wall  x{cpu / base[1]:5.1f} cpu  peak {memory:6.0f} MiB  exit {code}")


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    given = sys.argv[2] if len(sys.argv) > 2 else "2000000"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if given.isdigit():
            log = folder / "bulk" / "ca" / "server.log"
            log.parent.mkdir(parents=True)
            generate(log, int(given))
            compared(program, folder / "bulk", ["bulk"], folder, f"{int(given):,} lines")
        else:
            shutil.copytree(given, folder / "engagement", ignore=shutil.ignore_patterns("runs", ".cache", "plan"))
            compared(program, folder / "engagement" / "evidence", ["engagement"], folder, given)


if __name__ == "__main__":
    main()
