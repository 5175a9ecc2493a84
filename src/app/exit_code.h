#pragma once
// How a command ends: one function over everything that went wrong, by the table of the contract (README, "Exit
// codes"): the first row that applies, from the top. Pure.

#include <span>

#include "base/error.h"
#include "sync/run.h"
#include "sync/verify.h"

namespace surveysync::app {

enum ExitCode : int {
  kExitOk = 0,
  kExitUnexpected = 1,
  kExitUsage = 2,        ///< usage or configuration
  kExitUnavailable = 3,  ///< database or network down, and no source succeeded
  kExitRefused = 4,      ///< a source's credentials are refused, and none succeeded
  kExitPartial = 5,      ///< some surveys or sources failed, others succeeded; `check` with a fail
  kExitUnbalanced = 6,   ///< a certificate does not balance; `verify` found a difference
  kExitLocked = 7,       ///< another process works the source
  kExitConfirm = 8,      ///< stopped by the deletion brake, or a confirmation (--yes) is needed
};

/// The code of a command that ended with `error`. `signal`: what stopped us, 0 if nothing did.
int exit_code_of(const Error& error, int signal);

/// The code of a verb that ran something, over all its sources.
int exit_code_of(std::span<const sync::RunReport> reports, int signal);

/// The code of `verify` over all its sources.
int exit_code_of(std::span<const sync::VerifyReport> reports, int signal);

/// Vendor and database differ in what could be compared.
bool differs(const sync::VerifyReport& report);

}  // namespace surveysync::app
