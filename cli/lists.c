/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of people, badges and keys, one row at a time. */
#include "cli/lists.h"

#include "cli/when.h"
#include "common/bytes.h"
#include "common/socket.h"

void list_row(struct list *l, const char *const *cells) {
        l->n++;
        if (l->printing)
                table_print(&l->table, stdout, cells);
        else
                table_measure(&l->table, cells);
}

bool list_next_pass(struct list *l) {
        if (l->json) {
                if (!l->array)
                        json_list_end(&l->rows, stdout);
                return false;
        }
        if (l->printing)
                return false;
        if (l->n == 0) {
                (void) printf("%s\n", _("There are none."));
                return false;
        }
        table_measure(&l->table, l->table.titles);
        table_print_titles(&l->table, stdout);
        l->printing = true;
        return true;
}

static void put_json(struct list *l, struct json_object *o) {
        if (l->array) {
                json_append(l->array, o);
                return;
        }
        json_list_print(&l->rows, stdout, o);
        (void) json_object_put(o);
}

/* The holder's user name; "?" for a row without one, which the store's foreign keys rule out. */
static void holder(struct list *l, int64_t person, char ret[65]) {
        struct store_person p;
        const char *user = store_find_person_by_id(l->admin->store, person, &p) < 0 ? "?" : p.user;
        memcpy(ret, user, strlen(user) + 1);
}

enum held_state {
        HELD_ACTIVE,
        HELD_SUSPENDED,
        HELD_REPORTED,
        HELD_LENT,
        HELD_LENT_OVER,
        HELD_ASIDE,
        HELD_ENDED
};
static const struct {
        const char *name, *text; /* in JSON; a msgid */
} held_states[] = {
        [HELD_ACTIVE] = {"active", N_("active")},
        [HELD_SUSPENDED] = {"suspended", N_("suspended")},
        [HELD_REPORTED] = {"reported-lost", N_("reported lost")},
        [HELD_LENT] = {"lent", N_("lent")},
        [HELD_LENT_OVER] = {"lent-over", N_("lent, over")},
        [HELD_ASIDE] = {"aside", N_("put aside")}, /* while its owner has one that is lent */
        [HELD_ENDED] = {"ended", N_("ended")},
};

static enum held_state state_of(uint64_t ended_usec, uint64_t suspended_usec, const char *suspend_reason) {
        if (ended_usec)
                return HELD_ENDED;
        if (!suspended_usec)
                return HELD_ACTIVE;
        return strncmp(suspend_reason, STORE_REPORTED, strlen(STORE_REPORTED)) == 0 ? HELD_REPORTED
                                                                                    : HELD_SUSPENDED;
}

static enum held_state key_state(const struct store_key *k) {
        return state_of(k->ended_usec, k->suspended_usec, k->suspend_reason);
}

/* store: looked at for whether it is put aside; NULL: that is not asked. */
static enum held_state badge_state(const struct store_badge *b, struct store *store) {
        enum held_state s = state_of(b->ended_usec, b->suspended_usec, b->suspend_reason);
        uint64_t now = now_realtime_usec();
        struct store_badge lent;
        if (s != HELD_ACTIVE)
                return s;
        if (b->not_after_usec != 0)
                return b->not_after_usec > now ? HELD_LENT : HELD_LENT_OVER;
        return store && store_lent_badge(store, b->person, now, &lent) == 0 ? HELD_ASIDE : HELD_ACTIVE;
}

/* Why it ended or is suspended; of one that is lent, until when and why. */
static const char *badge_why(const struct store_badge *b, char buf[256]) {
        char until[WHEN_TEXT_MAX];
        if (b->ended_usec || b->suspended_usec)
                return b->ended_usec ? b->end_reason : b->suspend_reason;
        if (b->not_after_usec == 0)
                return NULL;
        (void) snprintf(buf, 256, _("until %s: %s"), when_local(b->not_after_usec, until), b->lend_reason);
        return buf;
}

struct json_object *badge_json(const struct store_badge *b, const char *user) {
        struct json_object *o = json_new();
        json_set_string(o, "token", b->token);
        json_set_string(o, "user", user);
        json_set_string(o, "state", held_states[badge_state(b, NULL)].name);
        json_set_string(o, "kind", b->kind);
        json_set_u64(o, "number_bytes", b->number_len);
        json_set_string(o, "badge_key", b->key_id);
        json_set_time(o, "added", b->added_usec);
        json_set_time(o, "ended", b->ended_usec);
        json_set_string(o, "end_reason", b->ended_usec ? b->end_reason : NULL);
        json_set_time(o, "suspended", b->suspended_usec);
        json_set_string(o, "suspend_reason", b->suspended_usec ? b->suspend_reason : NULL);
        json_set_time(o, "not_after", b->not_after_usec);
        json_set_string(o, "approver", b->not_after_usec ? b->approver : NULL);
        json_set_string(o, "lend_reason", b->not_after_usec ? b->lend_reason : NULL);
        json_set_string(o, "source", b->source);
        return o;
}

static int badge_row(const struct store_badge *b, void *data) {
        struct list *l = data;
        char user[65], added[WHEN_TEXT_MAX], ended[WHEN_TEXT_MAX], why[256];
        if (b->ended_usec && !l->all)
                return 0;
        holder(l, b->person, user);
        enum held_state state = badge_state(b, l->admin->store);
        const char *const cells[] = {b->token,
                                     user,
                                     b->kind,
                                     when_local(b->added_usec, added),
                                     _(held_states[state].text),
                                     badge_why(b, why),
                                     when_local(b->ended_usec, ended)};
        if (!l->json) {
                list_row(l, cells);
                return 0;
        }
        struct json_object *o = badge_json(b, user);
        json_set_string(o, "state", held_states[state].name);
        put_json(l, o);
        return 0;
}

static int run_badges(struct list *l, const struct store_person *person) {
        int r;
        do
                r = store_each_badge(l->admin->store, person ? person->id : 0, badge_row, l);
        while (r >= 0 && list_next_pass(l));
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

static struct table badge_table(bool all) {
        return (struct table){.titles = {_("BADGE"), _("USER"), _("KIND"), _("ADDED"), _("STATE"),
                                         _("REASON"), all ? _("ENDED") : NULL}};
}

int list_badges(struct admin *a, const struct store_person *person) {
        struct list l = {.admin = a, .all = true, .table = badge_table(true)};
        return run_badges(&l, person);
}

int list_badges_json(struct admin *a, const struct store_person *person, struct json_object *o) {
        struct list l = {.admin = a, .all = true, .json = true, .array = json_new_array()};
        json_set(o, "badges", l.array);
        return run_badges(&l, person);
}

struct json_object *key_json(const struct store_key *k, const char *user) {
        struct json_object *o = json_new();
        char aaguid[2 * sizeof(k->aaguid) + 1];
        hex_encode(k->aaguid, sizeof(k->aaguid), aaguid);
        json_set_string(o, "token", k->token);
        json_set_string(o, "user", user);
        json_set_string(o, "state", held_states[key_state(k)].name);
        json_set_string(o, "label", k->label);
        json_set_string(o, "aaguid", aaguid);
        json_set_string(o, "attestation", k->format);
        json_set_bool(o, "attested", k->attested);
        json_set_string(o, "relying_party", k->rp_id);
        json_set_time(o, "added", k->added_usec);
        json_set_time(o, "ended", k->ended_usec);
        json_set_string(o, "end_reason", k->ended_usec ? k->end_reason : NULL);
        json_set_time(o, "suspended", k->suspended_usec);
        json_set_string(o, "suspend_reason", k->suspended_usec ? k->suspend_reason : NULL);
        json_set_string(o, "source", k->source);
        return o;
}

static int key_row(const struct store_key *k, void *data) {
        struct list *l = data;
        char user[65], aaguid[2 * sizeof(k->aaguid) + 1], added[WHEN_TEXT_MAX], ended[WHEN_TEXT_MAX];
        if (k->ended_usec && !l->all)
                return 0;
        holder(l, k->person, user);
        hex_encode(k->aaguid, sizeof(k->aaguid), aaguid);
        const char *const cells[] = {k->token,
                                     user,
                                     k->label,
                                     aaguid,
                                     when_local(k->added_usec, added),
                                     _(held_states[key_state(k)].text),
                                     k->ended_usec ? k->end_reason : k->suspend_reason,
                                     when_local(k->ended_usec, ended)};
        if (l->json)
                put_json(l, key_json(k, user));
        else
                list_row(l, cells);
        return 0;
}

static int run_keys(struct list *l, const struct store_person *person) {
        int r;
        do
                r = store_each_key(l->admin->store, person ? person->id : 0, key_row, l);
        while (r >= 0 && list_next_pass(l));
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

static struct table key_table(bool all) {
        return (struct table){.titles = {_("KEY"), _("USER"), _("LABEL"), _("MODEL"), _("ADDED"), _("STATE"),
                                         _("REASON"), all ? _("ENDED") : NULL}};
}

int list_keys(struct admin *a, const struct store_person *person) {
        struct list l = {.admin = a, .all = true, .table = key_table(true)};
        return run_keys(&l, person);
}

int list_keys_json(struct admin *a, const struct store_person *person, struct json_object *o) {
        struct list l = {.admin = a, .all = true, .json = true, .array = json_new_array()};
        json_set(o, "keys", l.array);
        return run_keys(&l, person);
}

static int command_list(const struct cli_arguments *args, bool keys) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_person p;
        const char *user = cli_word(args, 0);
        bool all = args->option[OPTION_ALL];
        int r = admin_open_read(&a);
        if (r == CLI_OK && user)
                r = admin_find_person(&a, user, &p);
        if (r != CLI_OK)
                return r;
        struct list l = {.admin = &a,
                         .all = all,
                         .json = args->option[OPTION_JSON],
                         .table = keys ? key_table(all) : badge_table(all)};
        return keys ? run_keys(&l, user ? &p : NULL) : run_badges(&l, user ? &p : NULL);
}

int command_badge_list(const struct cli_arguments *args) {
        return command_list(args, false);
}

int command_key_list(const struct cli_arguments *args) {
        return command_list(args, true);
}
