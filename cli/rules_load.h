/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that a question is asked of: those in force, some that were applied once, or a file. */
#pragma once

#include "policy/rules.h"

/* By name: NULL or "current", the rules in force; 8 to 64 hexadecimal digits, those of the archive whose
 * hash begins so; else a file of rules, with FILE.d beside it. An enum cli_exit, after a complaint. */
int load_rules_named(const char *name, struct rules **ret);
