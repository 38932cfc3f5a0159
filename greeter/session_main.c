/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-session: shows in a person's own X session what wardtapd says about it. Runs as that person; holds
 * no secret, and nothing is believed because of it. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <systemd/sd-login.h>

#include "greeter/session_bus.h"
#include "greeter/session_screen.h"

#define DISCARD_USEC (1000U * 1000U)

struct session {
        sd_event *event;
        char *id; /* logind's */
        struct screen *screen;
        struct session_bus *bus;
        sd_login_monitor *logind; /* NULL where there is none */
        sd_event_source *logind_io, *tick;
        bool attended; /* wardtapd speaks to us */
        struct state state;
};

static void session_clear(struct session *s) {
        s->bus = session_bus_free(s->bus);
        s->screen = screen_free(s->screen);
        sd_event_source_disable_unref(s->tick);
        sd_event_source_disable_unref(s->logind_io);
        (void) sd_login_monitor_unref(s->logind);
        sd_event_unref(s->event);
        free(s->id);
}

static uint64_t now_usec(const struct session *s) {
        uint64_t now = 0;
        (void) sd_event_now(s->event, CLOCK_MONOTONIC, &now);
        return now;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata);

/* Puts on the screen what the state says, and wakes up when that changes by itself. */
static void refresh(struct session *s) {
        char text[WORDS_TEXT_SIZE];
        uint64_t now = now_usec(s), next = state_next(&s->state, now);
        for (int i = 0; i < VIEW_MAX; i++) {
                /* What comes is drawn before what goes is taken away: the session never shows between. */
                if (state_text(&s->state, now, (enum view) i, text))
                        screen_show(s->screen, (enum view) i, text);
        }
        for (int i = 0; i < VIEW_MAX; i++)
                if (!state_text(&s->state, now, (enum view) i, text))
                        screen_show(s->screen, (enum view) i, NULL);
        if (!s->tick && next != STATE_NEVER) {
                (void) sd_event_add_time(s->event, &s->tick, CLOCK_MONOTONIC, next, 1000, on_tick, s);
        } else if (s->tick) {
                (void) sd_event_source_set_time(s->tick, next);
                (void) sd_event_source_set_enabled(s->tick,
                                                   next == STATE_NEVER ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
        }
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata) {
        refresh(userdata);
        return 0;
}

static void on_shown(void *userdata) {
        struct session *s = userdata;
        screen_discard_input(s->screen, DISCARD_USEC);
        state_shown(&s->state, now_usec(s));
        refresh(s);
}

static void on_parked(void *userdata) {
        struct session *s = userdata;
        state_parked(&s->state);
        refresh(s);
        screen_hold_input(s->screen);
}

static void on_countdown(void *userdata, uint32_t seconds) {
        struct session *s = userdata;
        state_countdown(&s->state, now_usec(s), seconds);
        refresh(s);
}

static void on_quiet(void *userdata, bool quiet) {
        struct session *s = userdata;
        state_quiet(&s->state, quiet);
        refresh(s);
}

static void on_notice(void *userdata, const char *kind, const char *text, uint32_t seconds) {
        struct session *s = userdata;
        if (strcmp(kind, "emergency") == 0)
                state_emergency(&s->state, now_usec(s), text, seconds);
        else
                state_notice(&s->state, now_usec(s), text, seconds);
        refresh(s);
}

/* A cover that nobody is there to lift would keep a person from her work: where wardtapd does not speak to
 * us and logind has the session on the screen, it goes. */
static void uncover_if_alone(struct session *s) {
        if (!s->state.parked || s->attended || sd_session_is_active(s->id) <= 0)
                return;
        state_uncover(&s->state);
        refresh(s);
        screen_discard_input(s->screen, 0);
}

static void on_attended(void *userdata) {
        struct session *s = userdata;
        uncover_if_alone(s);
        s->attended = true;
}

/* Its countdown and quiet are not to be believed any longer. */
static void on_lost(void *userdata) {
        struct session *s = userdata;
        s->attended = false;
        state_countdown(&s->state, now_usec(s), 0);
        state_quiet(&s->state, false);
        refresh(s);
        uncover_if_alone(s);
}

static int on_logind(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct session *s = userdata;
        uid_t uid;
        (void) sd_login_monitor_flush(s->logind);
        if (sd_session_get_uid(s->id, &uid) == -ENXIO)
                return sd_event_exit(s->event, 0);
        uncover_if_alone(s);
        return 0;
}

static int watch_logind(struct session *s) {
        if (sd_login_monitor_new("session", &s->logind) < 0)
                return 0; /* then the X server says when the session ends */
        return sd_event_add_io(s->event, &s->logind_io, sd_login_monitor_get_fd(s->logind), EPOLLIN,
                               on_logind, s);
}

/* By the cgroup, which a session cannot choose; else by what its environment says. */
static int own_session(char **ret) {
        if (sd_pid_get_session(0, ret) >= 0)
                return 0;
        const char *id = secure_getenv("XDG_SESSION_ID");
        if (!id || !*id ||
            strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != strlen(id))
                return -ENXIO;
        *ret = strdup(id);
        return *ret ? 0 : -ENOMEM;
}

static int start(struct session *s) {
        static const struct session_bus_handler handler = {on_attended,  on_lost,  on_shown, on_parked,
                                                           on_countdown, on_quiet, on_notice};
        int r = own_session(&s->id);
        if (r < 0 || sd_session_is_remote(s->id) > 0)
                return r < 0 ? r : -EREMOTE;
        if ((r = sd_event_new(&s->event)) < 0 || (r = screen_new(s->event, &s->screen)) < 0 ||
            (r = watch_logind(s)) < 0)
                return r;
        words_own_name(s->state.name);
        if (sd_session_is_active(s->id) != 0) /* an error: nobody knows, and here it just began */
                on_shown(s);
        return session_bus_new(s->event, s->id, &handler, s, &s->bus);
}

static int fail(const char *text) {
        (void) fprintf(stderr, "wardtap-session: %s\n", text);
        return EXIT_FAILURE;
}

int main(int argc, char **argv) {
        _cleanup_(session_clear) struct session s = {0};
        (void) setlocale(LC_ALL, "");
        if (argc == 2 && strcmp(argv[1], "--version") == 0)
                return puts("wardtap-session " WARDTAP_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (argc > 1)
                return fail(_("It takes no arguments; see wardtap-session(1)."));
        (void) signal(SIGPIPE, SIG_IGN);
        int r = start(&s);
        if (r == -EEXIST || r == -EREMOTE)
                return EXIT_SUCCESS; /* another shows it, or there is no station before the person */
        if (r == -ENXIO)
                return fail(_("This is no session of logind's."));
        if (r == -ENOTCONN)
                return fail(_("There is no X server."));
        if (r < 0)
                return fail(strerror(-r));
        return sd_event_loop(s.event) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
