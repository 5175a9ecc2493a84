# Reads ctest's LastTest.log and prints "PASSED FAILED": the cases inside GoogleTest and unittest programs, one for anything else.
function close_entry() {
  if (!in_entry) return
  if (result == "passed") {
    passed += ran > 0 ? ran : 1
  } else {
    bad = bad > 0 ? bad : 1
    failed += bad
    passed += ran > bad ? ran - bad : 0
  }
  in_entry = 0
}
/^[0-9]+\/[0-9]+ Testing: / { close_entry(); in_entry = 1; ran = 0; bad = 0; result = "failed" }
/^\[==========\] [0-9]+ tests? from .* ran\./ { ran = $2 }
/^\[  FAILED  \] [0-9]+ tests?, listed below:/ { bad = $4 }
/^Ran [0-9]+ tests? in / { ran = $2 }
/^FAILED \((failures|errors)=/ {
  bad = 0
  text = $0
  while (match(text, /(failures|errors)=[0-9]+/)) {
    split(substr(text, RSTART, RLENGTH), pair, "=")
    bad += pair[2]
    text = substr(text, RSTART + RLENGTH)
  }
}
/^Test Passed\./ { result = "passed" }
END { close_entry(); print passed + 0, failed + 0 }
