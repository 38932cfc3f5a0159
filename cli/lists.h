/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of people, badges and keys: as tables of their own, and inside `wardtap person show`. */
#pragma once

#include "cli/admin.h"
#include "cli/output.h"

/* One list on its way through the store: a table passes twice (measure, print), JSON once. */
struct list {
        struct admin *admin;
        bool json, all; /* all: also what has ended */
        bool printing;  /* the second pass */
        struct table table;
        struct json_list rows;
        struct json_object *array; /* JSON goes into this instead */
        size_t n;                  /* rows so far in this pass */
};

void list_row(struct list *l, const char *const *cells);
/* After one pass over the rows: true when another is wanted. Prints titles or ends the JSON. */
bool list_next_pass(struct list *l);

const char *person_state_name(const struct store_person *p);
const char *person_kind_name(const struct store_person *p);
struct json_object *person_json(const struct store_person *p);

/* All that a person holds or held. Each is an enum cli_exit. */
int list_badges(struct admin *a, const struct store_person *person);
int list_keys(struct admin *a, const struct store_person *person);
/* Who has the agency account now; nothing where nobody does. */
int list_lease(struct admin *a, const struct store_person *person);
/* The same into the object, as "badges", "keys" and "lease" (null where nobody has it). */
int list_badges_json(struct admin *a, const struct store_person *person, struct json_object *o);
int list_keys_json(struct admin *a, const struct store_person *person, struct json_object *o);
int list_lease_json(struct admin *a, const struct store_person *person, struct json_object *o);

struct json_object *badge_json(const struct store_badge *b, const char *user);
struct json_object *key_json(const struct store_key *k, const char *user);
struct json_object *lease_json(const struct store_lease *l, const char *user);
