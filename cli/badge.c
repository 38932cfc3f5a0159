/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap badge enrol` and `badge replace`: giving a badge to a person, step by step. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/enrol.h"
#include "cli/lists.h"
#include "cli/number.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/timeout.h"
#include "common/socket.h"

#define TAP_TRIES 3U
/* wardtapd counts its readers anew when it or pcscd has just started. */
#define READER_GRACE_USEC (2U * 1000U * 1000U)

struct taps_wanted {
        struct terminal *terminal;
        int broker;
        unsigned tries_left;
        uint64_t timeout_usec;
};

/* What is to be done for whom. */
struct giving {
        struct store_person person;
        char old_token[9];  /* of the badge that is replaced; "" for none */
        const char *reason; /* why */
};

struct old_badge {
        const char *token; /* NULL for any */
        struct store_badge badge;
        size_t n;
};

static int look_at_old(const struct store_badge *b, void *data) {
        struct old_badge *old = data;
        if (b->ended_usec || (old->token && strcmp(old->token, b->token) != 0))
                return 0;
        old->badge = *b;
        old->n++;
        return 0;
}

void tap_erase(struct tap *t) {
        explicit_bzero(t, sizeof(*t));
}

static int broker_gone(void) {
        return fail(CLI_NOT_RUNNING, _("wardtapd ended meanwhile, and nothing was enrolled. Start it with: "
                                       "systemctl start wardtapd"));
}

static int no_tap(int error, bool no_reader) {
        if (error == -ECANCELED)
                return fail(CLI_TIMED_OUT, _("Cancelled. Nothing was enrolled."));
        if (error == -ETIMEDOUT && no_reader)
                return fail(CLI_FAILED, _("No badge reader is connected. Plug one in and try again."));
        if (error == -ETIMEDOUT)
                return fail(CLI_TIMED_OUT, _("No badge was held to the reader in time. Try again."));
        return broker_gone();
}

/* Waits for one tap, whatever it is worth. */
static int next_tap(const struct taps_wanted *w, struct tap *ret) {
        const struct broker_message want = {.type = BROKER_WANT_TAP};
        uint64_t end = now_monotonic_usec() + w->timeout_usec, deadline = end;
        bool no_reader = false;
        int r = broker_send(w->broker, &want);
        if (r < 0)
                return broker_gone();
        for (;;) {
                _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
                if ((r = terminal_wait(w->terminal, w->broker, deadline)) < 0)
                        return no_tap(r, no_reader);
                r = broker_receive(w->broker, &m);
                if (r == -EAGAIN)
                        continue;
                if (r < 0)
                        return broker_gone();
                if (m.type == BROKER_TAP) {
                        *ret = m.tap;
                        return CLI_OK;
                }
                if (m.type == BROKER_WAITING) {
                        no_reader = m.waiting.readers == 0;
                        deadline = no_reader ? now_monotonic_usec() + READER_GRACE_USEC : end;
                }
        }
}

static const char *problem_text(enum tap_problem problem) {
        switch (problem) {
        case TAP_RANDOM:
                return _(
                        "This card shows another number each time it is held to the reader, so it cannot be "
                        "a badge. Use another card.");
        case TAP_NO_NUMBER:
                return _("This card has no number of its own, so it cannot be a badge. Use another card.");
        case TAP_TOO_QUICK:
                return _("That was too quick. Hold the badge still for a second.");
        default:
                return _("The badge could not be read. Take it away and hold it flat to the reader.");
        }
}

/* A tap with a number. */
static int good_tap(struct taps_wanted *w, struct tap *ret) {
        for (; w->tries_left > 0; w->tries_left--) {
                _cleanup_(tap_erase) struct tap tap = {0};
                int r = next_tap(w, &tap);
                if (r != CLI_OK)
                        return r;
                if (tap.problem == TAP_OK && tap.number_len > 0) {
                        *ret = tap;
                        return CLI_OK;
                }
                terminal_say("%s", problem_text(tap.problem));
        }
        return fail(CLI_FAILED,
                    _("Three taps could not be used, and nothing was enrolled. Check the card and "
                      "the reader, then try again."));
}

static void show_tap(const struct terminal *t, const struct tap *tap) {
        char hex[NUMBER_HEX_MAX], decimal[NUMBER_DECIMAL_MAX];
        terminal_say(_("Badge %s: %s, a number of %zu bytes, on reader %s"), tap->token, tap->kind,
                     tap->number_len, tap->reader);
        terminal_show(t, _("  as the card sends it:  %s  (decimal %s)"),
                      number_hex(tap->number, tap->number_len, false, hex),
                      number_decimal(tap->number, tap->number_len, false, decimal));
        terminal_show(t, _("  turned round:          %s  (decimal %s)"),
                      number_hex(tap->number, tap->number_len, true, hex),
                      number_decimal(tap->number, tap->number_len, true, decimal));
        explicit_bzero(hex, sizeof(hex));
        explicit_bzero(decimal, sizeof(decimal));
}

int badge_record(const struct tap *tap, struct record *r) {
        int e;
        if ((e = record_set(r, RECORD_FIELD_BADGE, tap->token)) < 0 ||
            (e = record_set(r, RECORD_FIELD_BADGE_KIND, tap->kind)) < 0 ||
            (e = record_set(r, RECORD_FIELD_READER, tap->reader)) < 0)
                return admin_store_failed(e);
        return CLI_OK;
}

/* Somebody holds this badge: says who, and records the try. */
static int refuse(struct admin *a, const struct tap *tap, const struct store_person *p,
                  const struct store_person *holder) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        bool same = holder->id == p->id;
        char detail[129];
        (void) snprintf(detail, sizeof(detail), "held by %s", holder->user);
        int e = admin_record(a, RECORD_BADGE_REFUSED, p, &r);
        if (e != CLI_OK || (e = badge_record(tap, &r)) != CLI_OK)
                return e;
        r.outcome = RECORD_FAILURE;
        if (record_set(&r, RECORD_FIELD_REASON, same ? "already-enrolled" : "badge-of-another") < 0 ||
            record_set(&r, RECORD_FIELD_DETAIL, detail) < 0)
                return admin_store_failed(-ENOMEM);
        (void) admin_send(a, &r); /* refused either way */
        if (same)
                return fail(CLI_CONFLICT, _("%s (%s) holds this badge already; there is nothing to do."),
                            holder->full_name, holder->user);
        return fail(CLI_CONFLICT,
                    _("This badge belongs to %s (%s). Use another one, or end it first with: "
                      "wardtap badge end %s --reason TEXT"),
                    holder->full_name, holder->user, tap->token);
}

/* Lent, and its time is over: back in the pool. */
static bool is_over(const struct store_badge *b) {
        return b->not_after_usec != 0 && b->not_after_usec <= now_realtime_usec();
}

/* CLI_OK when nobody holds it, under any of the site's badge keys. */
static int check_free(struct admin *a, const struct tap *tap, const struct store_person *p) {
        const char *key_ids[BADGE_INDEXES_MAX];
        const uint8_t *indexes[BADGE_INDEXES_MAX];
        struct store_badge badge;
        struct store_person holder;
        for (size_t i = 0; i < tap->n_indexes; i++) {
                key_ids[i] = tap->indexes[i].key_id;
                indexes[i] = tap->indexes[i].index;
        }
        int r = store_find_badge(a->store, key_ids, indexes, tap->n_indexes, &badge, &holder);
        if (r == -ENOENT || (r == 0 && (badge.ended_usec || is_over(&badge))))
                return CLI_OK;
        return r < 0 ? admin_store_failed(r) : refuse(a, tap, p, &holder);
}

static int two_taps(struct admin *a, struct taps_wanted *w, const struct store_person *p, struct tap *ret) {
        _cleanup_(tap_erase) struct tap first = {0}, second = {0};
        int r;
        terminal_say(_("A badge for %s (%s)."), p->full_name, p->user);
        terminal_say(_("Hold your badge to the reader."));
        if ((r = good_tap(w, &first)) != CLI_OK)
                return r;
        show_tap(w->terminal, &first);
        if ((r = check_free(a, &first, p)) != CLI_OK)
                return r;
        terminal_say(_("Tap it once more: take the badge away, then hold it to the reader again."));
        w->tries_left = TAP_TRIES;
        if ((r = good_tap(w, &second)) != CLI_OK)
                return r;
        if (second.number_len != first.number_len ||
            memcmp(second.number, first.number, first.number_len) != 0)
                return fail(CLI_FAILED,
                            _("That was not the same badge (%s, then %s), and nothing was enrolled. "
                              "Keep other cards away from the reader and try again."),
                            first.token, second.token);
        *ret = second;
        return CLI_OK;
}

/* The badge that is to go: by its token, or the only one. */
static int find_old(struct admin *a, const struct store_person *p, const char *token,
                    struct store_badge *ret) {
        struct old_badge old = {.token = token};
        int r = store_each_badge(a->store, p->id, look_at_old, &old);
        if (r < 0)
                return admin_store_failed(r);
        if (old.n == 0 && token)
                return fail(CLI_NOT_FOUND,
                            _("%s holds no badge %s. See the badges with: wardtap badge list %s"),
                            p->full_name, token, p->user);
        if (old.n == 0)
                return fail(CLI_NOT_FOUND,
                            _("%s holds no badge that could be replaced. Give one with: "
                              "wardtap badge enrol %s"),
                            p->full_name, p->user);
        if (old.n > 1)
                return fail(CLI_CONFLICT,
                            _("%s holds %zu badges. Say which is to go, by its token from: "
                              "wardtap badge list %s"),
                            p->full_name, old.n, p->user);
        *ret = old.badge;
        return CLI_OK;
}

/* In the transaction of the new badge; looked for again, as somebody else may have ended it meanwhile. */
static int end_old(struct admin *a, const struct giving *g) {
        struct store_badge old;
        struct store_person holder;
        int r = g->old_token[0] ? find_old(a, &g->person, g->old_token, &old) : CLI_OK;
        if (r != CLI_OK || !g->old_token[0])
                return r;
        int e = store_end_badge(a->store, old.token, g->reason, now_realtime_usec(), &old, &holder);
        return e < 0 ? admin_token_failed(e, g->old_token, false) : CLI_OK;
}

static int record_given(struct admin *a, const struct giving *g, const struct tap *tap) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        bool replace = g->old_token[0];
        char detail[200];
        int r = admin_record(a, replace ? RECORD_BADGE_REPLACE : RECORD_BADGE_ENROL, &g->person, &record);
        if (r != CLI_OK || (r = badge_record(tap, &record)) != CLI_OK)
                return r;
        (void) snprintf(detail, sizeof(detail), "in place of %s: %s", g->old_token,
                        g->reason ? g->reason : "");
        if (replace && record_set(&record, RECORD_FIELD_DETAIL, detail) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(a, &record);
}

int badge_add(struct admin *a, const struct tap *tap, const struct store_person *p, uint64_t now_usec,
              struct store_badge *b) {
        struct store_person holder;
        int r = check_free(a, tap, p);
        if (r != CLI_OK)
                return r;
        b->person = p->id;
        b->number_len = (uint8_t) tap->number_len;
        memcpy(b->token, tap->token, sizeof(b->token));
        memcpy(b->kind, tap->kind, sizeof(b->kind));
        memcpy(b->key_id, tap->indexes[0].key_id, sizeof(b->key_id));
        memcpy(b->index, tap->indexes[0].index, sizeof(b->index));
        int e = store_add_badge(a->store, b, now_usec, &holder);
        if (e == -EEXIST)
                return refuse(a, tap, p, &holder);
        return e < 0 ? admin_store_failed(e) : CLI_OK;
}

static int store_badge(struct admin *a, const struct tap *tap, const struct giving *g,
                       struct store_badge *ret) {
        struct store_badge b = {.source = "station"};
        int r;
        if ((r = admin_begin(a)) != CLI_OK || (r = check_free(a, tap, &g->person)) != CLI_OK ||
            (r = end_old(a, g)) != CLI_OK ||
            (r = badge_add(a, tap, &g->person, now_realtime_usec(), &b)) != CLI_OK ||
            (r = record_given(a, g, tap)) != CLI_OK)
                return r;
        *ret = b;
        return CLI_OK;
}

int badge_hold(struct admin *a, struct terminal *t, const struct store_person *p, uint64_t timeout_usec,
               struct tap *ret) {
        _cleanup_(closep) int broker = -1;
        int r = broker_connect(&(struct broker_hello){.purpose = BROKER_ENROL}, &broker);
        if (r < 0)
                return broker_gone();
        struct taps_wanted w = {
                .terminal = t, .broker = broker, .tries_left = TAP_TRIES, .timeout_usec = timeout_usec};
        return two_taps(a, &w, p, ret);
}

static int enrol(struct admin *a, struct terminal *t, const struct giving *g, uint64_t timeout_usec,
                 struct store_badge *ret) {
        _cleanup_(tap_erase) struct tap tap = {0};
        int r = badge_hold(a, t, &g->person, timeout_usec, &tap);
        return r == CLI_OK ? store_badge(a, &tap, g, ret) : r;
}

static int prepare(struct admin *a, const struct cli_arguments *args, bool replace, struct giving *g) {
        struct store_badge old;
        int r = replace ? admin_find_active(a, cli_word(args, 0), &g->person)
                        : admin_find_person(a, cli_word(args, 0), &g->person);
        if (r != CLI_OK || !replace)
                return r != CLI_OK ? r : recovery_allows(a, &g->person, false);
        if ((r = find_old(a, &g->person, cli_word(args, 1), &old)) != CLI_OK)
                return r;
        memcpy(g->old_token, old.token, sizeof(g->old_token));
        g->reason = args->option[OPTION_REASON];
        return CLI_OK;
}

static void tell(const struct giving *g, const struct store_badge *b) {
        if (g->old_token[0])
                (void) printf(_("%s (%s) now holds badge %s, in place of %s.\n"), g->person.full_name,
                              g->person.user, b->token, g->old_token);
        else
                (void) printf(_("%s (%s) now holds badge %s.\n"), g->person.full_name, g->person.user,
                              b->token);
}

static int give(const struct cli_arguments *args, bool replace) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        _cleanup_(terminal_close) struct terminal t = {.tty = -1, .signals = -1};
        struct giving g = {0};
        struct store_badge b;
        uint64_t timeout_usec = 0;
        int r;

        if ((replace && (r = admin_need_reason(args)) != CLI_OK) ||
            (r = timeout_take(args, &timeout_usec)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = prepare(&a, args, replace, &g)) != CLI_OK)
                return r;
        if ((r = terminal_open(&t, PATH_TTY)) < 0)
                return fail(CLI_FAILED, _("Signals cannot be taken (%s)."), strerror(-r));
        if ((r = enrol(&a, &t, &g, timeout_usec, &b)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = badge_json(&b, g.person.user);
                json_print(stdout, o);
        } else {
                tell(&g, &b);
        }
        return CLI_OK;
}

int command_badge_enrol(const struct cli_arguments *args) {
        return give(args, false);
}

int command_badge_replace(const struct cli_arguments *args) {
        return give(args, true);
}
