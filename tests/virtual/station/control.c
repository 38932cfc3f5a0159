/* SPDX-License-Identifier: Apache-2.0 */
/* What the test has happen: one command a line, one answer a line.
 *
 *   add UID SEAT VT CLASS     a session that nobody's attempt opened ("ok ID"); SEAT "-" is none, VT 0 the
 * next remove ID                 it ends terminate ID              its leader is killed, as by loginctl vt N
 * | activate ID        chvt, loginctl activate by root idle ID 0|1, locked ID 0|1  the session's hints
 *   remote ID                 it becomes one over the network
 *   inhibit WHAT MODE         by uid 1000, until "release", or the next one
 *   release
 *   sleep 0|1                 PrepareForSleep
 *   vanish SERVICE, appear SERVICE    login1, lightdm, systemd1
 *   lightdm well|refuse|refuse-users|hang|end
 *   unit NAME STATE           a unit of the site's, as of systemd
 *   greeter                   LightDM's own, as at its start
 *   switch USER               as dm-tool switch-to-user
 *   answer TEXT | answer      what is typed at each prompt of a greeter; nobody types
 *   type TEXT                 the same, once, at the prompt that is there
 *   who                       "ok ID UID CLASS VT" of the seat's active session, "ok - -1 - VT"
 *   count                     "ok N" sessions
 *   quit */
#include "tests/virtual/station/station.h"

#include "common/bytes.h"

#include <stdarg.h>
#include <sys/epoll.h>

struct words {
        struct stage *stage;
        const char *word[STAGE_WORDS_MAX];
        size_t n;
};

/* Answers go to descriptor 3, where nothing else is said. */
__attribute__((format(printf, 1, 2))) static void reply(const char *format, ...) {
        va_list ap;
        va_start(ap, format);
        (void) vdprintf(3, format, ap);
        va_end(ap);
        (void) dprintf(3, "\n");
}

static void answer_ok(const char *text) {
        reply("ok %s", text);
}

static unsigned number(const char *text) {
        uint64_t v = 0;
        return parse_u64(text, UINT32_MAX, &v) < 0 ? 0 : (unsigned) v;
}

static bool add(struct words *w) {
        struct stage *s = w->stage;
        const char *seat = strcmp(w->word[2], "-") == 0 ? "" : w->word[2];
        unsigned vt = number(w->word[3]);
        if (vt == 0 && strcmp(seat, "seat0") == 0)
                vt = vt_free(s);
        struct session *e = session_add(s, number(w->word[1]), seat, vt, w->word[4], 0);
        if (!e)
                return false;
        e->lightdm = true;
        answer_ok(e->id);
        return true;
}

static bool to_session(struct words *w) {
        struct session *e = session_find(w->stage, w->word[1]);
        const char *what = w->word[0];
        if (!e)
                return false;
        if (strcmp(what, "remove") == 0)
                session_remove(w->stage, e);
        else if (strcmp(what, "terminate") == 0)
                lightdm_terminate(w->stage, e);
        else if (strcmp(what, "activate") == 0)
                seat_show(w->stage, e->vt);
        else if (strcmp(what, "remote") == 0)
                e->remote = true;
        answer_ok("");
        return true;
}

static bool hint(struct words *w) {
        struct session *e = session_find(w->stage, w->word[1]);
        if (!e)
                return false;
        if (strcmp(w->word[0], "idle") == 0)
                session_set_idle(e, w->word[2][0] == '1');
        else
                session_set_locked(e, w->word[2][0] == '1');
        answer_ok("");
        return true;
}

static bool show_vt(struct words *w) {
        seat_show(w->stage, number(w->word[1]));
        answer_ok("");
        return true;
}

static bool inhibited(struct words *w) {
        const char *const text[] = {w->word[1], "test", "because", w->word[2]};
        closep(&w->stage->blocking);
        if (inhibitor_add(w->stage, text, 1000, &w->stage->blocking) < 0)
                return false;
        answer_ok("");
        return true;
}

static bool release(struct words *w) {
        closep(&w->stage->blocking);
        answer_ok("");
        return true;
}

static bool typed_once(struct words *w) {
        lightdm_type(w->stage, w->word[1]);
        answer_ok("");
        return true;
}

static bool asleep(struct words *w) {
        prepare_for_sleep(w->stage, w->word[1][0] == '1');
        answer_ok("");
        return true;
}

static bool vanish(struct words *w) {
        static const char *const names[] = {"login1", "lightdm", "systemd1"};
        for (enum service i = 0; i < SERVICE_MAX; i++)
                if (strcmp(w->word[1], names[i]) == 0) {
                        if (strcmp(w->word[0], "vanish") == 0)
                                service_close(w->stage, i);
                        else if (service_open(w->stage, i) < 0)
                                return false;
                        answer_ok("");
                        return true;
                }
        return false;
}

static bool unit(struct words *w) {
        if (!systemd_set_unit(w->stage, w->word[1], w->word[2]))
                return false;
        answer_ok("");
        return true;
}

static bool mood(struct words *w) {
        static const char *const names[] = {"well", "refuse", "hang", "refuse-users"};
        if (strcmp(w->word[1], "end") == 0) {
                lightdm_end(w->stage);
                answer_ok("");
                return true;
        }
        for (unsigned i = 0; i < ELEMENTSOF(names); i++)
                if (strcmp(w->word[1], names[i]) == 0) {
                        w->stage->mood = (enum lightdm_mood) i;
                        answer_ok("");
                        return true;
                }
        return false;
}

static bool greet(struct words *w) {
        lightdm_show_greeter(w->stage);
        answer_ok(w->stage->active);
        return true;
}

static bool switch_to(struct words *w) {
        lightdm_switch_to_user(w->stage, w->word[1]);
        answer_ok("");
        return true;
}

static bool typed(struct words *w) {
        free(w->stage->answer);
        w->stage->answer = w->n > 1 ? strdup(w->word[1]) : NULL;
        answer_ok("");
        return true;
}

static bool who(struct words *w) {
        const struct session *e = session_find(w->stage, w->stage->active);
        reply("ok %s %d %s %u", e ? e->id : "-", e ? (int) e->uid : -1, e ? e->class : "-", w->stage->vt);
        return true;
}

static bool count(struct words *w) {
        reply("ok %zu", w->stage->n_sessions);
        return true;
}

static bool quit(struct words *w) {
        answer_ok("");
        return sd_event_exit(w->stage->event, 0) >= 0;
}

static const struct command {
        const char *name;
        bool (*run)(struct words *);
        size_t least;
} commands[] = {
        {"add", add, 5},
        {"remove", to_session, 2},
        {"terminate", to_session, 2},
        {"activate", to_session, 2},
        {"remote", to_session, 2},
        {"idle", hint, 3},
        {"locked", hint, 3},
        {"vt", show_vt, 2},
        {"inhibit", inhibited, 3},
        {"release", release, 1},
        {"sleep", asleep, 2},
        {"vanish", vanish, 2},
        {"appear", vanish, 2},
        {"lightdm", mood, 2},
        {"unit", unit, 3},
        {"greeter", greet, 1},
        {"switch", switch_to, 2},
        {"answer", typed, 1},
        {"type", typed_once, 2},
        {"who", who, 1},
        {"count", count, 1},
        {"quit", quit, 1},
};

/* The last argument of `switch` and `answer` is the rest of the line: names have spaces. */
static void split(struct words *w, char *line) {
        bool rest = strncmp(line, "switch ", 7) == 0 || strncmp(line, "answer ", 7) == 0;
        for (char *p = line; p && *p && w->n < STAGE_WORDS_MAX;) {
                w->word[w->n++] = p;
                if (rest && w->n == 2)
                        break;
                p = strchr(p, ' ');
                if (p)
                        *p++ = 0;
        }
}

static void obey(struct stage *s, char *line) {
        struct words w = {.stage = s};
        split(&w, line);
        for (size_t i = 0; w.n > 0 && i < ELEMENTSOF(commands); i++)
                if (strcmp(commands[i].name, w.word[0]) == 0 && w.n >= commands[i].least) {
                        if (!commands[i].run(&w))
                                reply("no");
                        return;
                }
        reply("no such command");
}

static int on_command(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        char line[1024];
        if (!fgets(line, sizeof(line), stdin))
                return sd_event_exit(sd_event_source_get_event(source), 0);
        line[strcspn(line, "\n")] = 0;
        obey(userdata, line);
        return 0;
}

int control_start(struct stage *s) {
        (void) setvbuf(stdin, NULL, _IONBF, 0);
        return sd_event_add_io(s->event, NULL, STDIN_FILENO, EPOLLIN, on_command, s);
}
