/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of agency accounts, and what follows when one ends. */
#pragma once

#include "cli/admin.h"

/* A lease lasts at most so long. */
#define LEASE_MAX_USEC (7U * 24U * 3600U * 1000000ULL)

/* Fills what each record about a lease says. An enum cli_exit, after a complaint. */
int lease_record(struct admin *a, enum record_event event, const struct store_person *p,
                 const struct store_lease *l, const char *detail, struct record *ret);
/* Ends the lease in a transaction of its own, recorded. */
int lease_end(struct admin *a, const struct store_person *p, const char *reason, struct store_lease *ret);
/* Has systemd wipe the home of this account. Warns where it does not; wardtap-lease.timer tries again. */
void lease_start_wipe(const char *user);
