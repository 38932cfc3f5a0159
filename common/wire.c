/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding and decoding of the messages between module and attempt, in every version still spoken. */
#include "common/wire.h"

#include "common/socket.h"
#include "common/util.h"

#include <errno.h>

/* Larger than any message: START has under 700 bytes, PROMPT under 520. */
#define WIRE_MESSAGE_MAX 1024U

void wire_message_erase(struct wire_message *m) {
        explicit_bzero(m, sizeof(*m));
}

static void write_start(struct writer *w, unsigned version, const struct wire_start *s) {
        writer_u8(w, (uint8_t) s->hook);
        writer_u8(w, s->silent);
        if (version >= 3)
                writer_u8(w, s->again);
        writer_text(w, s->service, sizeof(s->service));
        writer_text(w, s->user, sizeof(s->user));
        writer_text(w, s->tty, sizeof(s->tty));
        writer_text(w, s->rhost, sizeof(s->rhost));
        writer_text(w, s->ruser, sizeof(s->ruser));
        writer_text(w, s->seat, sizeof(s->seat));
        if (version >= 2)
                writer_text(w, s->session, sizeof(s->session));
        writer_text(w, s->attempt, sizeof(s->attempt));
}

static void write_verdict(struct writer *w, const struct wire_message *m) {
        writer_u8(w, (uint8_t) m->verdict.verdict);
        writer_text(w, m->verdict.attempt, sizeof(m->verdict.attempt));
        if (m->version >= 2)
                writer_text(w, m->verdict.code, sizeof(m->verdict.code));
}

void wire_write(struct writer *w, const struct wire_message *m) {
        writer_u8(w, m->version);
        writer_u8(w, (uint8_t) m->type);
        switch (m->type) {
        case WIRE_START:
                write_start(w, m->version, &m->start);
                break;
        case WIRE_ANSWER:
                writer_text(w, m->answer, sizeof(m->answer));
                break;
        case WIRE_NO_ANSWER:
                break;
        case WIRE_USER:
                writer_text(w, m->user, sizeof(m->user));
                break;
        case WIRE_INFO:
        case WIRE_ERROR:
                writer_text(w, m->text, sizeof(m->text));
                break;
        case WIRE_PROMPT:
                writer_u8(w, m->prompt.echo);
                writer_text(w, m->prompt.text, sizeof(m->prompt.text));
                break;
        case WIRE_VERDICT:
                write_verdict(w, m);
                break;
        case WIRE_TYPE_INVALID:
        default:
                w->full = true; /* nothing that could be sent */
        }
}

static int take_text_not_empty(struct bytes *b, char *buf, size_t size) {
        int r = bytes_take_text(b, buf, size);
        return r < 0 ? r : buf[0] ? 0 : -EBADMSG;
}

/* An attempt's id: 32 digits, or none. */
static int take_attempt(struct bytes *b, char *buf, size_t size) {
        int r = bytes_take_string(b, buf, size);
        if (r < 0)
                return r;
        size_t n = strspn(buf, "0123456789abcdef");
        return buf[n] == 0 && (n == 0 || n == size - 1) ? 0 : -EBADMSG;
}

static int take_code(struct bytes *b, char *buf, size_t size) {
        int r = bytes_take_string(b, buf, size);
        if (r < 0)
                return r;
        return buf[strspn(buf, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == 0 ? 0 : -EBADMSG;
}

static int read_start(struct bytes *b, unsigned version, struct wire_start *s) {
        uint8_t hook;
        int r = bytes_take_u8(b, &hook);
        if (r < 0)
                return r;
        if (hook < WIRE_AUTHENTICATE || hook >= WIRE_HOOK_MAX)
                return -EBADMSG;
        s->hook = (enum wire_hook) hook;
        if ((r = bytes_take_bool(b, &s->silent)) < 0 ||
            (version >= 3 && (r = bytes_take_bool(b, &s->again)) < 0) ||
            (r = take_text_not_empty(b, s->service, sizeof(s->service))) < 0 ||
            (r = bytes_take_text(b, s->user, sizeof(s->user))) < 0 ||
            (r = bytes_take_text(b, s->tty, sizeof(s->tty))) < 0 ||
            (r = bytes_take_text(b, s->rhost, sizeof(s->rhost))) < 0 ||
            (r = bytes_take_text(b, s->ruser, sizeof(s->ruser))) < 0 ||
            (r = bytes_take_text(b, s->seat, sizeof(s->seat))) < 0 ||
            (version >= 2 && (r = bytes_take_text(b, s->session, sizeof(s->session))) < 0) ||
            (r = take_attempt(b, s->attempt, sizeof(s->attempt))) < 0)
                return r;
        return 0;
}

static int read_prompt(struct bytes *b, struct wire_message *m) {
        int r = bytes_take_bool(b, &m->prompt.echo);
        return r < 0 ? r : bytes_take_text(b, m->prompt.text, sizeof(m->prompt.text));
}

static int read_verdict(struct bytes *b, struct wire_message *m) {
        uint8_t verdict;
        int r = bytes_take_u8(b, &verdict);
        if (r < 0)
                return r;
        if (verdict >= WIRE_VERDICT_MAX ||
            ((verdict == WIRE_AGAIN || verdict == WIRE_ELSEWHERE) && m->version < 3))
                return -EBADMSG;
        m->verdict.verdict = (enum wire_verdict) verdict;
        r = take_attempt(b, m->verdict.attempt, sizeof(m->verdict.attempt));
        if (r < 0 || m->version < 2)
                return r;
        return take_code(b, m->verdict.code, sizeof(m->verdict.code));
}

static int read_fields(struct bytes *b, struct wire_message *m) {
        switch (m->type) {
        case WIRE_START:
                return read_start(b, m->version, &m->start);
        case WIRE_ANSWER:
                return take_text_not_empty(b, m->answer, sizeof(m->answer));
        case WIRE_NO_ANSWER:
                return 0;
        case WIRE_USER:
                return take_text_not_empty(b, m->user, sizeof(m->user));
        case WIRE_INFO:
        case WIRE_ERROR:
                return bytes_take_text(b, m->text, sizeof(m->text));
        case WIRE_PROMPT:
                return read_prompt(b, m);
        case WIRE_VERDICT:
                return read_verdict(b, m);
        case WIRE_TYPE_INVALID:
        default:
                return -EBADMSG;
        }
}

int wire_read(struct bytes b, struct wire_message *ret) {
        _cleanup_(wire_message_erase) struct wire_message m = {0};
        uint8_t type;
        int r = bytes_take_u8(&b, &m.version);
        if (r < 0)
                return r;
        if (m.version < WIRE_VERSION_MIN || m.version > WIRE_VERSION)
                return -EPROTONOSUPPORT;
        if ((r = bytes_take_u8(&b, &type)) < 0)
                return r;
        m.type = (enum wire_type) type;
        if ((r = read_fields(&b, &m)) < 0 || (r = bytes_end(&b)) < 0)
                return r;
        *ret = m;
        return 0;
}

int wire_send(int fd, const struct wire_message *m) {
        if (m->version < WIRE_VERSION_MIN || m->version > WIRE_VERSION)
                return -EPROTONOSUPPORT;
        uint8_t buf[WIRE_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        wire_write(&w, m);
        return socket_send_written(fd, &w);
}

int wire_receive(int fd, struct wire_message *ret) {
        uint8_t buf[WIRE_MESSAGE_MAX];
        size_t n = 0;
        int r = socket_receive(fd, buf, sizeof(buf), &n);
        if (r == 0)
                r = wire_read((struct bytes){buf, n}, ret);
        explicit_bzero(buf, sizeof(buf));
        return r;
}
