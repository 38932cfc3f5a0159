/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap policy explain --evidence`: what the person shows, out of what the store says she has. */
#include <errno.h>

#include "cli/explain.h"
#include "common/bytes.h"
#include "policy/ticket.h"

struct find_badge {
        int64_t wanted;
        struct store_badge first, found; /* id 0: none */
};

static int badge_seen(const struct store_badge *b, void *data) {
        struct find_badge *f = data;
        if (b->ended_usec)
                return 0;
        if (!f->first.id || (f->first.suspended_usec && !b->suspended_usec))
                f->first = *b;
        if (b->id == f->wanted)
                f->found = *b;
        return 0;
}

/* The temporary one where there is one; else that of the last full sign-in while it is in use, else the
 * first that is not suspended, else the first. `own`: never the temporary one. */
static int show_badge(struct explanation *x, bool own) {
        struct policy_evidence *e = &x->question.evidence;
        struct find_badge f = {.wanted = x->history.any_strong ? x->history.strong_badge_id : 0};
        struct store_badge lent = {0};
        int r = store_lent_badge(x->admin.store, x->person.id, x->question.clock.realtime_usec, &lent);
        if (r >= 0 || r == -ENOENT)
                r = store_each_badge(x->admin.store, x->person.id, badge_seen, &f);
        if (r < 0)
                return admin_store_failed(r);
        if (!f.first.id && (own || !lent.id))
                return fail(CLI_NOT_FOUND,
                            _("%s holds no badge that could be shown. Enrol one with: "
                              "wardtap badge enrol %s"),
                            x->person.full_name, x->person.user);
        x->badge = lent.id && !own ? lent : f.found.id ? f.found : f.first;
        e->badge = BADGE_NUMBER;
        e->badge_id = x->badge.id;
        e->badge_suspended = x->badge.suspended_usec != 0;
        e->badge_reported = e->badge_suspended && store_is_reported(x->badge.suspend_reason);
        e->badge_person = x->person.id;
        e->badge_lent = x->badge.not_after_usec != 0;
        e->lend = x->badge.approval;
        e->lender = x->badge.approver;
        e->badge_aside = lent.id && own;
        return CLI_OK;
}

struct find_ticket {
        int64_t person;
        uint64_t now_usec;
        struct store_ticket found; /* id 0: none */
};

/* One that was not used goes before one that was. */
static int ticket_seen(const struct store_ticket *t, void *data) {
        struct find_ticket *f = data;
        bool good = t->person == f->person && t->ended_usec == 0 && t->not_after_usec > f->now_usec;
        if (good && (!f->found.id || (f->found.used_usec && !t->used_usec)))
                f->found = *t;
        return 0;
}

static int show_ticket(struct explanation *x) {
        struct policy_evidence *e = &x->question.evidence;
        struct find_ticket f = {.person = x->person.id, .now_usec = x->question.clock.realtime_usec};
        int r = store_each_ticket(x->admin.store, ticket_seen, &f);
        if (r < 0)
                return admin_store_failed(r);
        if (!f.found.id)
                return fail(CLI_NOT_FOUND,
                            _("%s has no ticket that is good then. Issue one with: wardtap ticket issue"),
                            x->person.full_name);
        x->ticket = f.found;
        e->ticket = true;
        e->ticket_used = f.found.used_usec != 0;
        e->ticket_until_usec = f.found.not_after_usec;
        return CLI_OK;
}

static int show_key(struct explanation *x, const struct store_key *keys, size_t n, bool verified) {
        struct policy_evidence *e = &x->question.evidence;
        if (n == 0)
                return fail(CLI_NOT_FOUND,
                            _("%s holds no key that could be shown. Enrol one with: "
                              "wardtap key enrol %s"),
                            x->person.full_name, x->person.user);
        e->key_present = true;
        e->key_verified = e->key_verified || verified;
        e->key_attested = keys[0].attested;
        e->key_id = keys[0].id;
        hex_encode(keys[0].aaguid, sizeof(keys[0].aaguid), e->key_aaguid);
        return CLI_OK;
}

enum shown {
        SHOWN_BADGE,
        SHOWN_OWN_BADGE,
        SHOWN_KEY,
        SHOWN_VERIFY,
        SHOWN_TICKET,
        SHOWN_EMERGENCY,
        SHOWN_REASON,
        SHOWN_MAX
};

static enum shown shown_from(const char *what, size_t n) {
        static const char *const names[SHOWN_MAX] = {"badge",  "own-badge", "key",   "verify",
                                                     "ticket", "emergency", "reason"};
        unsigned i = 0;
        while (i < SHOWN_MAX && (strlen(names[i]) != n || strncmp(names[i], what, n) != 0))
                i++;
        return (enum shown) i;
}

static int show_one(struct explanation *x, const char *what, size_t n, const struct store_key *keys,
                    size_t n_keys) {
        enum shown shown = shown_from(what, n);
        switch (shown) {
        case SHOWN_BADGE:
        case SHOWN_OWN_BADGE:
                return show_badge(x, shown == SHOWN_OWN_BADGE);
        case SHOWN_KEY:
        case SHOWN_VERIFY:
                return show_key(x, keys, n_keys, shown == SHOWN_VERIFY);
        case SHOWN_TICKET:
                return show_ticket(x);
        case SHOWN_EMERGENCY: /* an emergency account is one by itself */
                if (!x->asked.emergency_account)
                        x->question.evidence.emergency = EMERGENCY_ASKED;
                return CLI_OK;
        case SHOWN_REASON:
                x->question.evidence.emergency_reason = true;
                return CLI_OK;
        case SHOWN_MAX:
                break;
        }
        return fail(CLI_USAGE,
                    _("--evidence takes badge, own-badge, key, verify, ticket, emergency and reason, with "
                      "commas between, not '%.*s'."),
                    (int) n, what);
}

/* What is suspended is not asked for. */
static size_t usable_keys(struct store_key *keys, size_t n, bool *ret_suspended) {
        size_t kept = 0;
        for (size_t i = 0; i < n; i++)
                if (keys[i].suspended_usec == 0 && kept++ != i)
                        keys[kept - 1] = keys[i];
        *ret_suspended = kept < n;
        return kept;
}

int explain_load_evidence(struct explanation *x, const char *list) {
        _cleanup_(freep) struct store_key *keys = calloc(STORE_KEYS_MAX, sizeof(*keys));
        size_t n_keys = 0;
        int r = keys ? store_person_keys(x->admin.store, x->person.id, keys, &n_keys) : -ENOMEM;
        if (r < 0)
                return admin_store_failed(r);
        n_keys = usable_keys(keys, n_keys, &x->asked.keys_suspended);
        x->asked.has_keys = n_keys > 0;
        while (list && *list) {
                size_t n = strcspn(list, ",+");
                if ((r = show_one(x, list, n, keys, n_keys)) != CLI_OK)
                        return r;
                list += n + (list[n] != 0);
        }
        return CLI_OK;
}
