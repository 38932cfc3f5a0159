/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two files that decide about tickets. */
#pragma once

#include "helper/registrar/registrar.h"
#include "policy/fido.h"
#include "policy/reason.h"

/* The reason of policy/reason.h, by name. */
const char *registrar_status_reason(enum registrar_status status);
/* What every record about a ticket says. `p` may be NULL, a ticket's name empty. */
int registrar_fill(const struct registrar *r, const struct store_ticket *t, const struct store_person *p,
                   struct record *record);
/* What a ticket is good for now: OK also when it has signed in and gives that session back. */
enum registrar_status registrar_state(const struct store_ticket *t, const struct store_person *p,
                                      uint64_t now_usec);
/* The case's ticket and person as they are inside the transaction. */
enum registrar_status registrar_reread(const struct registrar *r, const struct registrar_case *c,
                                       const struct policy_clock *clock, struct store_ticket *t,
                                       struct store_person *p);
/* Ends the transaction: commits when status is OK, else undoes it. Records of what could not be committed
 * are taken back by others. */
enum registrar_status registrar_commit(const struct registrar *r, const struct registrar_case *c,
                                       enum registrar_status status, struct record *records, size_t n);
/* ENROL, after CHECK. */
int registrar_enrol(const struct registrar *r, const struct registrar_case *c,
                    const struct registrar_enrol *e, const struct policy_clock *clock,
                    struct registrar_message *ret);
