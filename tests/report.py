"""Counts ctest's reports: one line a failure, then "N passed, N failed". What did not run has failed."""
import sys
import xml.etree.ElementTree as ET

passed, failed = 0, []
for path in sys.argv[1:]:
    suite = path.rsplit("/", 1)[-1].removesuffix(".xml")
    for case in ET.parse(path).getroot().iter("testcase"):
        if case.get("status") == "run":
            passed += 1
        else:
            failed.append(f"{suite}: {case.get('name')} ({case.get('status')})")
for name in failed:
    print("FAILED", name)
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed or not passed else 0)
