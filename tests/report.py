"""Counts ctest's reports: a failure's name and what pytest says of it, then "N passed, N failed". What did not run has
failed."""
import sys
import xml.etree.ElementTree as ET

LINES, WIDTH = 12, 400

passed, failed = 0, []
for path in sys.argv[1:]:
    suite = path.rsplit("/", 1)[-1].removesuffix(".xml")
    for case in ET.parse(path).getroot().iter("testcase"):
        if case.get("status") == "run":
            passed += 1
        else:
            said = [line for line in (case.findtext("system-out") or "").splitlines() if line.startswith("E  ")]
            failed.append((f"{suite}: {case.get('name')} ({case.get('status')})", said[:LINES]))
for name, said in failed:
    print("FAILED", name)
    for line in said:
        print("   ", line[:WIDTH])
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed or not passed else 0)
