/* SPDX-License-Identifier: Apache-2.0 */
/* Reading back from the journal what was sent to it. The journal is open only while something is awaited:
 * its descriptor wakes for every line that anybody logs. */
#include "helper/journal_sender_internal.h"

#include "helper/journal_reader.h"
#include "helper/log.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <systemd/sd-daemon.h>

/* Records looked up in one go. */
#define LOOK_BURST 32U
#define RESEND_MOST_USEC (300U * 1000U * 1000U)
/* A record that the journal drops, while it keeps later ones, is given up after so many times. */
#define RESENDS_MAX 3U
#define LATER_MAX 64U

static bool look(struct journal_sender *s);

static int reader_open(void *userdata, int *ret_fd) {
        struct journal_reader **j = userdata;
        int r = journal_reader_open(j);
        if (r < 0)
                return r;
        *ret_fd = journal_reader_fd(*j);
        return 0;
}

static void reader_process(void *userdata) {
        journal_reader_process(*(struct journal_reader **) userdata);
}

static int reader_has(void *userdata, const char *epoch, uint64_t seq) {
        return journal_reader_has(*(struct journal_reader **) userdata, epoch, seq);
}

static void reader_close(void *userdata) {
        journal_reader_freep(userdata);
}

const struct journal_check journal_check_by_reader = {
        .open = reader_open,
        .process = reader_process,
        .has = reader_has,
        .close = reader_close,
};

static int on_journal(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct journal_sender *s = userdata;
        s->config.check->process(s->config.check_userdata);
        (void) look(s);
        return 0;
}

static int open_check(struct journal_sender *s) {
        int fd, r;
        if (s->check_is_open)
                return 0;
        r = s->config.check->open(s->config.check_userdata, &fd);
        if (r < 0)
                return r;
        s->check_is_open = true;
        r = sd_event_add_io(s->config.event, &s->check_io, fd, EPOLLIN, on_journal, s);
        if (r >= 0)
                r = sd_event_source_set_priority(s->check_io, SENDER_PRIORITY);
        if (r < 0)
                sender_close_check(s);
        return r;
}

void sender_close_check(struct journal_sender *s) {
        s->check_io = sd_event_source_disable_unref(s->check_io);
        if (s->check_is_open)
                s->config.check->close(s->config.check_userdata);
        s->check_is_open = false;
}

static bool has(struct journal_sender *s, uint64_t seq) {
        return s->config.check->has(s->config.check_userdata, audit_log_epoch(s->config.log), seq) == 1;
}

bool sender_is_there(struct journal_sender *s, uint64_t seq) {
        if (seq >= s->recheck_below)
                return false;
        if (open_check(s) < 0) {
                s->recheck_below = 0; /* twice is better than never */
                return false;
        }
        return has(s, seq);
}

static void release(struct journal_sender *s, const struct audit_position *p) {
        int r = audit_log_release(s->config.log, p);
        if (r < 0 && !s->warned) {
                s->warned = true;
                log_line(SD_WARNING, "Cannot note which records the journal has: %s", strerror(-r));
        }
        sender_changed(s);
}

/* Moves p over the next record; its number, or 0 when nothing that was sent is left. */
static uint64_t step(struct journal_sender *s, struct audit_position *p) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        if (p->seq >= s->sent.seq || audit_log_read(s->config.log, p, &record) != 1)
                return 0;
        return p->seq - 1;
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata);

static void rest(struct journal_sender *s) {
        sender_close_check(s);
        s->looking = false;
        s->resend_usec = s->config.resend_usec;
        s->resends = 0;
        if (s->look)
                (void) sd_event_source_set_enabled(s->look, SD_EVENT_OFF);
}

static void await(struct journal_sender *s, bool progress) {
        if (progress || s->resend_usec == 0) {
                s->resend_usec = s->config.resend_usec;
                s->resends = 0;
        }
        if (!s->looking || progress)
                (void) sender_timer(s, &s->look, s->resend_usec, on_look);
        s->looking = true;
}

/* The journal cannot be read: what was sent has to do. */
static void trust(struct journal_sender *s, int error) {
        if (!s->warned)
                log_line(SD_WARNING,
                         "Cannot read the journal (%s): records count as written there once they were sent. "
                         "wardtapd should be in the group systemd-journal.",
                         strerror(-error));
        s->warned = true;
        release(s, &s->sent);
        rest(s);
}

/* Releases what is in the journal, from the first record on. True when it found something. */
static bool look(struct journal_sender *s) {
        struct audit_position p = audit_log_released(s->config.log), good = p;
        unsigned n = 0;
        int r = open_check(s);
        if (r < 0) {
                trust(s, r);
                return true;
        }
        for (uint64_t seq; n < LOOK_BURST && (seq = step(s, &p)) > 0 && has(s, seq); n++)
                good = p;
        if (n > 0)
                release(s, &good);
        if (good.seq >= s->sent.seq || (n < LOOK_BURST && step(s, &good) == 0)) {
                rest(s);
        } else if (n == LOOK_BURST) {
                s->looking = false;
                (void) sender_timer(s, &s->look, 0, on_look);
        } else {
                await(s, n > 0);
        }
        return n > 0;
}

/* The journal has a later record, so it has dropped the first one that is awaited. */
static bool has_later(struct journal_sender *s) {
        struct audit_position p = audit_log_released(s->config.log);
        (void) step(s, &p);
        for (unsigned i = 0; i < LATER_MAX; i++) {
                uint64_t seq = step(s, &p);
                if (seq == 0)
                        return false;
                if (has(s, seq))
                        return true;
        }
        return false;
}

/* journald has not taken everything from the socket: it was stopped, or is busy. */
static bool is_queued(struct journal_sender *s) {
        int n = 0;
        return s->blocked || (s->fd >= 0 && ioctl(s->fd, SIOCOUTQ, &n) == 0 && n > 0);
}

static void give_up_waiting(struct journal_sender *s) {
        struct audit_position p = audit_log_released(s->config.log);
        s->resend_usec = s->resend_usec < RESEND_MOST_USEC / 2 ? s->resend_usec * 2 : RESEND_MOST_USEC;
        s->looking = false;
        if (is_queued(s)) {
                await(s, false);
                return;
        }
        if (s->resends >= RESENDS_MAX && open_check(s) == 0 && has_later(s)) {
                log_line(SD_WARNING,
                         "The journal does not keep record %" PRIu64
                         " (see MaxLevelStore= and RateLimitBurst= in journald.conf(5)).",
                         step(s, &p));
                release(s, &p);
                s->resends = 0;
                (void) look(s);
                return;
        }
        s->resends++;
        sender_rewind(s);
        await(s, false);
        sender_send(s);
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata) {
        struct journal_sender *s = userdata;
        bool waited = s->looking;
        if (!look(s) && waited && s->looking)
                give_up_waiting(s);
        return 0;
}

void sender_expect(struct journal_sender *s) {
        int enabled = SD_EVENT_OFF;
        if (s->sent.seq <= audit_log_released(s->config.log).seq)
                return;
        if (s->look)
                (void) sd_event_source_get_enabled(s->look, &enabled);
        if (enabled == SD_EVENT_OFF)
                (void) sender_timer(s, &s->look, s->config.check_after_usec, on_look);
}
