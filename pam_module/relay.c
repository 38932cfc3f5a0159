/* SPDX-License-Identifier: Apache-2.0 */
/* Carries messages between an attempt and the application's conversation. */
#include "pam_module/relay.h"

#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <poll.h>
#include <security/pam_ext.h>
#include <time.h>

/* The listener's queue may be full for a moment, when somebody floods it. */
#define CONNECT_TRIES 50
#define CONNECT_PAUSE_MSEC 20
/* An attempt that waits for whoever comes and breaks off is begun anew: a restart of wardtap-authd, or one
 * person's broken key, must not end what a greeter waits for all night. */
#define BROKEN_MAX 5U
#define BROKEN_PAUSE_MSEC 200
/* Badges and PINs are tried no faster than a person reads what was wrong. */
#define REFUSED_PAUSE_MSEC 1000

struct relay {
        pam_handle_t *pamh;
        const struct wire_start *start;
        uint64_t deadline_usec;
        int fd;
        bool heard;    /* the attempt has said something */
        bool deaf;     /* a question of ours could not be asked: nobody is there to go on with */
        bool judging;  /* a name or a question came: somebody is being judged */
        bool named;    /* PAM_USER was empty and is our doing */
        char user[65]; /* who is judged; "" until known */
};

static int copy_text(const char *from, char *to, size_t size) {
        size_t n = from ? strlen(from) : 0;
        if (n >= size)
                return -EMSGSIZE;
        if (n > 0 && !text_is_clean(from, size))
                return -EBADMSG;
        if (n > 0)
                memcpy(to, from, n);
        to[n] = 0;
        return 0;
}

static int copy_item(pam_handle_t *pamh, int type, char *to, size_t size) {
        const void *item = NULL;
        if (pam_get_item(pamh, type, &item) != PAM_SUCCESS)
                return -EIO;
        return copy_text(item, to, size);
}

int relay_prepare(pam_handle_t *pamh, enum wire_hook hook, int flags, struct wire_start *ret) {
        struct wire_start s = {.hook = hook, .silent = (unsigned) flags & PAM_SILENT};
        int r;
        if ((r = copy_item(pamh, PAM_SERVICE, s.service, sizeof(s.service))) < 0 ||
            (r = copy_item(pamh, PAM_USER, s.user, sizeof(s.user))) < 0 ||
            (r = copy_item(pamh, PAM_TTY, s.tty, sizeof(s.tty))) < 0 ||
            (r = copy_item(pamh, PAM_RHOST, s.rhost, sizeof(s.rhost))) < 0 ||
            (r = copy_item(pamh, PAM_RUSER, s.ruser, sizeof(s.ruser))) < 0 ||
            (r = copy_text(pam_getenv(pamh, "XDG_SEAT"), s.seat, sizeof(s.seat))) < 0 ||
            (r = copy_text(pam_getenv(pamh, "XDG_SESSION_ID"), s.session, sizeof(s.session))) < 0)
                return r;
        *ret = s;
        return 0;
}

static void pause_msec(long msec) {
        (void) ppoll(NULL, 0, &(struct timespec){msec / 1000, msec % 1000 * 1000000L}, NULL);
}

static int connect_patiently(int *ret_fd) {
        int r = -EAGAIN;
        for (unsigned i = 0; r == -EAGAIN && i < CONNECT_TRIES; i++) {
                if (i > 0)
                        pause_msec(CONNECT_PAUSE_MSEC);
                r = socket_connect(PATH_AUTH_SOCKET, 0, ret_fd);
        }
        return r;
}

/* Sends. That the attempt has ended is no error yet: what it said last is still to be read. */
static int say(struct relay *y, const struct wire_message *m) {
        int r = wire_send(y->fd, m);
        return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

static int hear(struct relay *y, struct wire_message *ret) {
        int r;
        do {
                r = socket_wait(y->fd, y->deadline_usec);
                if (r == 0)
                        r = wire_receive(y->fd, ret);
        } while (r == -EAGAIN);
        return r;
}

/* 1 when there is somebody to talk to, 0 when the application set no conversation. */
static int has_conversation(pam_handle_t *pamh) {
        const void *item = NULL;
        if (pam_get_item(pamh, PAM_CONV, &item) != PAM_SUCCESS)
                return -EIO;
        const struct pam_conv *conv = item;
        return conv && conv->conv;
}

/* Shows a text. Nobody to show it to is fine (LightDM's SwitchToUser); an application that refuses has given
 * up, which is how lockers cancel. A session hook has nothing to cancel. */
static int show(struct relay *y, int style, const char *text) {
        int r = has_conversation(y->pamh);
        if (r <= 0)
                return r;
        _cleanup_(erase_string) char *answer = NULL;
        int code = pam_prompt(y->pamh, style, &answer, "%s", text);
        return code == PAM_SUCCESS || y->start->hook != WIRE_AUTHENTICATE ? 0 : -ECANCELED;
}

/* Asks, and answers the attempt. No conversation, a failed one, or an answer that is none says NO_ANSWER: it
 * must never look like an empty PIN. */
static int ask(struct relay *y, bool echo, const char *text) {
        _cleanup_(wire_message_erase) struct wire_message m = {.version = WIRE_VERSION,
                                                               .type = WIRE_NO_ANSWER};
        _cleanup_(erase_string) char *answer = NULL;
        y->judging = true;
        if (y->start->hook != WIRE_AUTHENTICATE)
                return -EBADMSG;
        int code = PAM_CONV_ERR;
        if (has_conversation(y->pamh) > 0)
                code = pam_prompt(y->pamh, echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, &answer, "%s",
                                  text);
        y->deaf = code != PAM_SUCCESS;
        if (code == PAM_SUCCESS && answer && answer[0] && copy_text(answer, m.answer, sizeof(m.answer)) == 0)
                m.type = WIRE_ANSWER;
        return say(y, &m);
}

/* The attempt has learnt who this is. An application that named somebody gets a verdict about that user and
 * no other: sudo and polkit refuse a changed one, and so do we. */
static int take_user(struct relay *y, const char *name) {
        char now[sizeof(y->user)];
        y->judging = true;
        if (y->start->hook != WIRE_AUTHENTICATE)
                return -EBADMSG;
        if (y->user[0])
                return strcmp(y->user, name) == 0 ? 0 : -EEXIST;
        if (copy_item(y->pamh, PAM_USER, now, sizeof(now)) < 0 || now[0])
                return -EEXIST; /* it was empty when the wait began, hours ago perhaps */
        if (pam_set_item(y->pamh, PAM_USER, name) != PAM_SUCCESS)
                return -ENOMEM;
        y->named = true;
        return copy_text(name, y->user, sizeof(y->user));
}

/* True when PAM_USER names who was judged, and an attempt answers for it. */
static bool is_agreed(struct relay *y, const struct judged *j) {
        char now[sizeof(y->user)];
        if (y->start->hook != WIRE_AUTHENTICATE)
                return true;
        return j->attempt[0] && y->user[0] && copy_item(y->pamh, PAM_USER, now, sizeof(now)) == 0 &&
               strcmp(now, y->user) == 0;
}

/* The application named nobody: it waits for whoever comes. */
static bool is_for_anybody(const struct wire_start *s) {
        return s->hook == WIRE_AUTHENTICATE && !s->user[0];
}

static void take_verdict(struct relay *y, const struct wire_message *m, struct judged *j) {
        static const enum outcome outcomes[WIRE_VERDICT_MAX] = {
                [WIRE_ALLOW] = OUTCOME_ALLOW,     [WIRE_DENY] = OUTCOME_DENY,
                [WIRE_UNAVAIL] = OUTCOME_UNAVAIL, [WIRE_MAXTRIES] = OUTCOME_MAXTRIES,
                [WIRE_AGAIN] = OUTCOME_AGAIN,     [WIRE_ELSEWHERE] = OUTCOME_DENY, /* for wardtapd alone */
        };
        memcpy(j->attempt, m->verdict.attempt, sizeof(j->attempt));
        memcpy(j->code, m->verdict.code, sizeof(j->code));
        j->outcome = outcomes[m->verdict.verdict];
        if (j->outcome == OUTCOME_UNAVAIL && y->start->hook != WIRE_AUTHENTICATE) {
                j->outcome = OUTCOME_NOT_OURS;
                j->why = "no account is kept of this session";
        }
        if (j->outcome == OUTCOME_AGAIN && (y->deaf || !is_for_anybody(y->start)))
                j->outcome = OUTCOME_DENY;
        if (j->outcome == OUTCOME_ALLOW && !is_agreed(y, j)) {
                j->outcome = OUTCOME_DENY;
                j->why = "the verdict is not about PAM_USER";
        }
}

/* One message of the attempt. 1 after the verdict. */
static int take_message(struct relay *y, const struct wire_message *m, struct judged *j) {
        switch (m->type) {
        case WIRE_USER:
                return take_user(y, m->user);
        case WIRE_INFO:
                return show(y, PAM_TEXT_INFO, m->text);
        case WIRE_ERROR:
                return show(y, PAM_ERROR_MSG, m->text);
        case WIRE_PROMPT:
                return ask(y, m->prompt.echo, m->prompt.text);
        case WIRE_VERDICT:
                take_verdict(y, m, j);
                return 1;
        case WIRE_START:
        case WIRE_ANSWER:
        case WIRE_NO_ANSWER:
        case WIRE_TYPE_INVALID:
        default: /* ours to say, not the attempt's */
                return -EBADMSG;
        }
}

/* Connects, says what is wanted, and goes on until the verdict. */
static int converse(struct relay *y, struct judged *j) {
        struct wire_message start = {.version = WIRE_VERSION, .type = WIRE_START, .start = *y->start};
        int r = connect_patiently(&y->fd);
        if (r < 0)
                return r;
        r = say(y, &start);
        while (r == 0) {
                _cleanup_(wire_message_erase) struct wire_message m = {.type = WIRE_TYPE_INVALID};
                r = hear(y, &m);
                if (r == 0) {
                        if (!y->heard) /* from here on it is about another person */
                                y->judging = false;
                        y->heard = true;
                        r = take_message(y, &m, j);
                }
        }
        return r < 0 ? r : 0;
}

static const char *why(int error) {
        switch (error) {
        case -EPERM:
                return "the listener on " PATH_AUTH_SOCKET " is not root's";
        case -EEXIST:
                return "the attempt named another user than PAM_USER";
        case -EBADMSG:
        case -EMSGSIZE:
        case -EPROTONOSUPPORT:
                return "the attempt speaks another language";
        case -ECONNRESET:
                return "the attempt ended without a verdict";
        case -ETIMEDOUT:
                return "no answer in time";
        case -ENOENT:
        case -ECONNREFUSED:
        case -EAGAIN:
                return "nobody answers on " PATH_AUTH_SOCKET;
        default:
                return NULL;
        }
}

static enum outcome broken(const struct relay *y, int error) {
        if (error == -ENOMEM)
                return OUTCOME_NO_MEMORY;
        if (error == -ECANCELED)
                return OUTCOME_GAVE_UP;
        return y->judging ? OUTCOME_DENY : OUTCOME_UNAVAIL;
}

/* One connection, one attempt. */
static void ask_one(struct relay *y, unsigned *n_broken, struct judged *ret) {
        struct judged j = {.outcome = OUTCOME_DENY};
        int r = converse(y, &j);
        closep(&y->fd);
        if (r < 0) {
                j.outcome = broken(y, r);
                j.why = why(r);
        }
        if (r >= 0)
                *n_broken = 0;
        else if (r == -ECONNRESET && is_for_anybody(y->start) &&
                 (y->heard || y->start->again || *n_broken > 0) && ++*n_broken <= BROKEN_MAX)
                j.outcome = OUTCOME_AGAIN;
        j.named = y->named;
        memcpy(j.user, y->user, sizeof(j.user));
        *ret = j;
}

/* Makes ready for the next person: PAM_USER names nobody again. An attempt that broke off had no last words.
 */
static int begin_anew(struct relay *y, const struct judged *j) {
        int r = 0;
        if (y->named && pam_set_item(y->pamh, PAM_USER, NULL) != PAM_SUCCESS)
                return -ENOMEM;
        if (!j->attempt[0]) {
                if (y->judging && !y->start->silent)
                        r = show(y, PAM_ERROR_MSG, "Sign-in was interrupted and begins again.");
                pause_msec(BROKEN_PAUSE_MSEC);
        } else {
                pause_msec(REFUSED_PAUSE_MSEC);
                y->judging = false; /* else breaking off twice would be better than a no */
        }
        y->heard = y->named = false;
        y->user[0] = 0;
        return r;
}

void relay_run(pam_handle_t *pamh, const struct wire_start *start, uint64_t deadline_usec,
               struct judged *ret) {
        struct wire_start s = *start;
        struct relay y = {.pamh = pamh, .start = &s, .deadline_usec = deadline_usec, .fd = -1};
        unsigned n_broken = 0;
        memcpy(y.user, start->user, sizeof(y.user));
        for (;;) {
                ask_one(&y, &n_broken, ret);
                if (ret->outcome != OUTCOME_AGAIN)
                        return;
                edge_log(pamh, "authenticate", ret);
                int r = begin_anew(&y, ret);
                s.again = ret->attempt[0]; /* there are words to be read */
                if (r < 0) {
                        *ret = (struct judged){.outcome = broken(&y, r), .named = y.named};
                        return;
                }
        }
}
