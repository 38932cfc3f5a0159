/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's messages as bytes, and the client side of the conversation with wardtapd. */
#include "common/broker.h"

#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"

#include <errno.h>

void broker_message_clear(struct broker_message *m) {
        if (m->type == BROKER_RECORD)
                record_clear(&m->record);
        explicit_bzero(m, sizeof(*m));
}

static void write_hello(struct writer *w, const struct broker_message *m) {
        writer_u8(w, (uint8_t) m->hello.purpose);
        writer_string(w, m->hello.attempt);
        writer_string(w, m->hello.service);
        writer_string(w, m->hello.seat);
        writer_string(w, m->hello.tty);
}

static int read_hello(struct bytes *b, struct broker_message *m) {
        uint8_t purpose;
        int r;
        if ((r = bytes_take_u8(b, &purpose)) < 0 ||
            (r = bytes_take_string(b, m->hello.attempt, sizeof(m->hello.attempt))) < 0 ||
            (r = bytes_take_string(b, m->hello.service, sizeof(m->hello.service))) < 0 ||
            (r = bytes_take_string(b, m->hello.seat, sizeof(m->hello.seat))) < 0 ||
            (r = bytes_take_string(b, m->hello.tty, sizeof(m->hello.tty))) < 0)
                return r;
        if (purpose < BROKER_SIGN_IN || purpose >= BROKER_PURPOSE_MAX)
                return -EBADMSG;
        m->hello.purpose = (enum broker_purpose) purpose;
        return 0;
}

static void write_session_change(struct writer *w, const struct broker_message *m) {
        writer_u32(w, m->session_change.uid);
        writer_string(w, m->session_change.attempt);
        writer_string(w, m->session_change.user);
        writer_string(w, m->session_change.session);
        writer_u8(w, m->session_change.resumed);
}

static int read_session_change(struct bytes *b, struct broker_message *m) {
        int r;
        if ((r = bytes_take_u32(b, &m->session_change.uid)) < 0 ||
            (r = bytes_take_string(b, m->session_change.attempt, sizeof(m->session_change.attempt))) < 0 ||
            (r = bytes_take_string(b, m->session_change.user, sizeof(m->session_change.user))) < 0)
                return r;
        r = bytes_take_string(b, m->session_change.session, sizeof(m->session_change.session));
        return r < 0 ? r : bytes_take_bool(b, &m->session_change.resumed);
}

static int read_person(struct bytes *b, struct broker_message *m) {
        int r;
        if ((r = bytes_take_u32(b, &m->person.uid)) < 0 ||
            (r = bytes_take_string(b, m->person.user, sizeof(m->person.user))) < 0)
                return r;
        return bytes_take_string(b, m->person.unit, sizeof(m->person.unit));
}

static void write_numbers(struct writer *w, const struct broker_message *m) {
        writer_u8(w, (uint8_t) m->numbers.n);
        for (size_t i = 0; i < m->numbers.n; i++)
                writer_blob(w, m->numbers.numbers[i].bytes, m->numbers.numbers[i].n);
}

static int read_numbers(struct bytes *b, struct broker_message *m) {
        uint8_t n;
        size_t len = 0;
        int r = bytes_take_u8(b, &n);
        if (r < 0)
                return r;
        if (n == 0 || n > BROKER_NUMBERS_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < n; i++) {
                struct badge_number *number = &m->numbers.numbers[i];
                if ((r = bytes_take_blob_copy(b, 4, sizeof(number->bytes), number->bytes, &len)) < 0)
                        return r;
                number->n = (uint8_t) len;
        }
        m->numbers.n = n;
        return 0;
}

static void write_indexes(struct writer *w, const struct broker_message *m) {
        writer_u8(w, (uint8_t) m->indexes.n_keys);
        for (size_t k = 0; k < m->indexes.n_keys; k++)
                writer_string(w, m->indexes.key_ids[k]);
        writer_u8(w, (uint8_t) m->indexes.n);
        for (size_t i = 0; i < m->indexes.n; i++)
                for (size_t k = 0; k < m->indexes.n_keys; k++)
                        writer_bytes(w, m->indexes.index[i][k], BADGE_INDEX_SIZE);
}

static int read_indexes_message(struct bytes *b, struct broker_message *m) {
        uint8_t n, n_keys;
        int r = bytes_take_u8(b, &n_keys);
        if (r < 0)
                return r;
        if (n_keys == 0 || n_keys > BADGE_INDEXES_MAX)
                return -EBADMSG;
        for (size_t k = 0; k < n_keys; k++)
                if ((r = bytes_take_string(b, m->indexes.key_ids[k], sizeof(m->indexes.key_ids[k]))) < 0)
                        return r;
        if ((r = bytes_take_u8(b, &n)) < 0)
                return r;
        if (n == 0 || n > BROKER_NUMBERS_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < n_keys; k++)
                        if ((r = bytes_take_copy(b, m->indexes.index[i][k], BADGE_INDEX_SIZE)) < 0)
                                return r;
        m->indexes.n_keys = n_keys;
        m->indexes.n = n;
        return 0;
}

static void write_tap(struct writer *w, const struct tap *t) {
        writer_u64(w, t->id);
        writer_u64(w, t->seen_usec);
        writer_string(w, t->reader);
        writer_string(w, t->kind);
        writer_u8(w, (uint8_t) t->problem);
        writer_string(w, t->token);
        writer_u8(w, (uint8_t) t->n_indexes);
        for (size_t i = 0; i < t->n_indexes; i++) {
                writer_string(w, t->indexes[i].key_id);
                writer_bytes(w, t->indexes[i].index, BADGE_INDEX_SIZE);
        }
        writer_blob(w, t->number, t->number_len);
}

static int read_indexes(struct bytes *b, struct tap *t) {
        uint8_t n;
        int r = bytes_take_u8(b, &n);
        if (r < 0)
                return r;
        if (n > BADGE_INDEXES_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < n; i++)
                if ((r = bytes_take_string(b, t->indexes[i].key_id, sizeof(t->indexes[i].key_id))) < 0 ||
                    (r = bytes_take_copy(b, t->indexes[i].index, BADGE_INDEX_SIZE)) < 0)
                        return r;
        t->n_indexes = n;
        return 0;
}

static int read_tap(struct bytes *b, struct tap *t) {
        uint8_t problem;
        int r;
        if ((r = bytes_take_u64(b, &t->id)) < 0 || (r = bytes_take_u64(b, &t->seen_usec)) < 0 ||
            (r = bytes_take_string(b, t->reader, sizeof(t->reader))) < 0 ||
            (r = bytes_take_string(b, t->kind, sizeof(t->kind))) < 0 ||
            (r = bytes_take_u8(b, &problem)) < 0 ||
            (r = bytes_take_string(b, t->token, sizeof(t->token))) < 0 || (r = read_indexes(b, t)) < 0 ||
            (r = bytes_take_blob_copy(b, 0, sizeof(t->number), t->number, &t->number_len)) < 0)
                return r;
        if (problem >= TAP_PROBLEM_MAX || (problem == TAP_OK) != (t->n_indexes > 0))
                return -EBADMSG;
        t->problem = (enum tap_problem) problem;
        return 0;
}

static void write_question(struct writer *w, const struct broker_message *m) {
        switch (m->type) {
        case BROKER_HELLO:
                write_hello(w, m);
                break;
        case BROKER_ASK_SESSION:
                writer_u32(w, m->ask_session.uid);
                break;
        case BROKER_KEY_USED:
                writer_string(w, m->key_used.device);
                writer_string(w, m->key_used.name);
                break;
        case BROKER_RECORD:
                record_write(w, &m->record);
                break;
        case BROKER_SESSION_OPEN:
        case BROKER_SESSION_CLOSE:
                write_session_change(w, m);
                break;
        case BROKER_SWITCH:
        case BROKER_ASK_GRANT:
                writer_u32(w, m->person.uid);
                writer_string(w, m->person.user);
                writer_string(w, m->person.unit);
                break;
        case BROKER_ASK_INDEXES:
                write_numbers(w, m);
                break;
        default: /* nothing but its type */
                break;
        }
}

static void write_answer(struct writer *w, const struct broker_message *m) {
        switch (m->type) {
        case BROKER_WAITING:
                writer_u16(w, m->waiting.readers);
                break;
        case BROKER_TAP:
                write_tap(w, &m->tap);
                break;
        case BROKER_SESSION:
                writer_u8(w, (uint8_t) m->session.presence);
                writer_u64(w, m->session.closed_usec);
                writer_string(w, m->session.passing);
                writer_u64(w, m->session.emergency_usec);
                writer_u8(w, m->session.drill);
                writer_u8(w, m->session.other_seat);
                break;
        case BROKER_AGAIN:
                writer_u64(w, m->again.seen_usec);
                break;
        case BROKER_RECORDED:
                writer_u32(w, (uint32_t) -m->recorded.status);
                writer_u64(w, m->recorded.seq);
                break;
        case BROKER_INDEXES:
                write_indexes(w, m);
                break;
        case BROKER_WORDS:
                writer_string(w, m->words);
                break;
        case BROKER_SWITCHED:
                writer_u32(w, (uint32_t) -m->switched.status);
                break;
        case BROKER_GRANT:
                writer_u32(w, (uint32_t) -m->grant.status);
                writer_string(w, m->grant.attempt);
                break;
        default: /* nothing but its type */
                break;
        }
}

void broker_write(struct writer *w, const struct broker_message *m) {
        writer_u8(w, BROKER_VERSION);
        writer_u8(w, (uint8_t) m->type);
        (m->type < BROKER_WAITING ? write_question : write_answer)(w, m);
}

static int read_status(struct bytes *b, int *ret) {
        uint32_t error;
        int r = bytes_take_u32(b, &error);
        if (r < 0)
                return r;
        if (error > 4095) /* MAX_ERRNO of the kernel */
                return -EBADMSG;
        *ret = -(int) error;
        return 0;
}

static int read_recorded(struct bytes *b, struct broker_message *m) {
        int r = read_status(b, &m->recorded.status);
        return r < 0 ? r : bytes_take_u64(b, &m->recorded.seq);
}

static int read_session(struct bytes *b, struct broker_message *m) {
        uint8_t presence;
        int r = bytes_take_u8(b, &presence);
        if (r < 0)
                return r;
        if (presence >= BROKER_PRESENCE_MAX)
                return -EBADMSG;
        m->session.presence = (enum broker_presence) presence;
        if ((r = bytes_take_u64(b, &m->session.closed_usec)) < 0 ||
            (r = bytes_take_string(b, m->session.passing, sizeof(m->session.passing))) < 0 ||
            (r = bytes_take_u64(b, &m->session.emergency_usec)) < 0 ||
            (r = bytes_take_bool(b, &m->session.drill)) < 0 ||
            (r = bytes_take_bool(b, &m->session.other_seat)) < 0)
                return r;
        return text_is_clean(m->session.passing, sizeof(m->session.passing)) ? 0 : -EBADMSG;
}

static int read_key_used(struct bytes *b, struct broker_message *m) {
        char *device = m->key_used.device;
        int r = bytes_take_string(b, device, BROKER_DEVICE_SIZE);
        if (r < 0)
                return r;
        if (strspn(device, "0123456789abcdef") != BROKER_DEVICE_SIZE - 1)
                return -EBADMSG;
        r = bytes_take_string(b, m->key_used.name, sizeof(m->key_used.name));
        if (r < 0)
                return r;
        return text_is_clean(m->key_used.name, sizeof(m->key_used.name)) ? 0 : -EBADMSG;
}

static int read_body(struct bytes *b, struct broker_message *m) {
        int r;
        switch (m->type) {
        case BROKER_HELLO:
                return read_hello(b, m);
        case BROKER_WANT_TAP:
        case BROKER_WANT_AGAIN:
        case BROKER_GONE:
                return 0;
        case BROKER_AGAIN:
                return bytes_take_u64(b, &m->again.seen_usec);
        case BROKER_ASK_SESSION:
                return bytes_take_u32(b, &m->ask_session.uid);
        case BROKER_KEY_USED:
                return read_key_used(b, m);
        case BROKER_RECORD:
                r = record_read(*b, &m->record);
                *b = (struct bytes){0};
                return r;
        case BROKER_SESSION_OPEN:
        case BROKER_SESSION_CLOSE:
                return read_session_change(b, m);
        case BROKER_SWITCH:
        case BROKER_ASK_GRANT:
                return read_person(b, m);
        case BROKER_WAITING:
                return bytes_take_u16(b, &m->waiting.readers);
        case BROKER_TAP:
                return read_tap(b, &m->tap);
        case BROKER_SESSION:
                return read_session(b, m);
        case BROKER_RECORDED:
                return read_recorded(b, m);
        case BROKER_ASK_INDEXES:
                return read_numbers(b, m);
        case BROKER_INDEXES:
                return read_indexes_message(b, m);
        case BROKER_WORDS:
                return bytes_take_string(b, m->words, sizeof(m->words));
        case BROKER_SWITCHED:
                return read_status(b, &m->switched.status);
        case BROKER_GRANT:
                r = read_status(b, &m->grant.status);
                return r < 0 ? r : bytes_take_string(b, m->grant.attempt, sizeof(m->grant.attempt));
        case BROKER_TYPE_INVALID:
                break;
        }
        return -EBADMSG;
}

int broker_read(struct bytes b, struct broker_message *ret) {
        _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
        uint8_t version, type;
        int r;
        if ((r = bytes_take_u8(&b, &version)) < 0)
                return r;
        if (version != BROKER_VERSION)
                return -EPROTONOSUPPORT;
        if ((r = bytes_take_u8(&b, &type)) < 0)
                return r;
        m.type = (enum broker_type) type;
        if ((r = read_body(&b, &m)) < 0) {
                m.type = BROKER_TYPE_INVALID; /* nothing inside is owned yet */
                return r;
        }
        if ((r = bytes_end(&b)) < 0)
                return r;
        *ret = m;
        m = (struct broker_message){.type = BROKER_TYPE_INVALID};
        return 0;
}

static int encode(const struct broker_message *m, uint8_t buf[SOCKET_MESSAGE_MAX], size_t *ret_n) {
        struct writer w = {.p = buf, .size = SOCKET_MESSAGE_MAX};
        broker_write(&w, m);
        return writer_end(&w, ret_n);
}

int broker_send(int fd, const struct broker_message *m) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        size_t n;
        int r = encode(m, buf, &n);
        if (r >= 0)
                r = socket_send(fd, buf, n);
        explicit_bzero(buf, sizeof(buf));
        return r;
}

int broker_receive(int fd, struct broker_message *ret) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        size_t n;
        int r = socket_receive(fd, buf, sizeof(buf), &n);
        if (r >= 0)
                r = broker_read((struct bytes){buf, n}, ret);
        explicit_bzero(buf, sizeof(buf));
        return r;
}

int broker_connect(const struct broker_hello *hello, int *ret_fd) {
        const struct broker_message m = {.type = BROKER_HELLO, .hello = *hello};
        _cleanup_(closep) int fd = -1;
        int r;
        if ((r = socket_connect(PATH_BROKER_SOCKET, 0, &fd)) < 0 || (r = broker_send(fd, &m)) < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int wait_recorded(int fd, uint64_t deadline_usec, uint64_t *ret_seq) {
        for (;;) {
                _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
                int r = socket_wait(fd, deadline_usec);
                if (r < 0)
                        return r;
                r = broker_receive(fd, &m);
                if (r == -EAGAIN)
                        continue;
                if (r < 0)
                        return r;
                if (m.type != BROKER_RECORDED)
                        continue;
                if (ret_seq)
                        *ret_seq = m.recorded.seq;
                return m.recorded.status;
        }
}

int broker_record(int fd, const struct record *record, uint64_t deadline_usec, uint64_t *ret_seq) {
        struct broker_message m = {.type = BROKER_RECORD, .record = *record}; /* borrowed, not cleared */
        int r = broker_send(fd, &m);
        return r < 0 ? r : wait_recorded(fd, deadline_usec, ret_seq);
}

static int send_with_fd(int fd, const void *p, size_t n, int passed) {
        union {
                struct cmsghdr header;
                char buf[CMSG_SPACE(sizeof(int))];
        } control = {0};
        struct iovec iov = {(void *) p, n};
        struct msghdr mh = {.msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};
        struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &passed, sizeof(int));
        return sendmsg(fd, &mh, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int broker_change_session(int fd, const struct broker_message *m, int pidfd, uint64_t deadline_usec) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        size_t n;
        int r;
        if ((r = encode(m, buf, &n)) < 0 ||
            (r = pidfd >= 0 ? send_with_fd(fd, buf, n, pidfd) : socket_send(fd, buf, n)) < 0)
                return r;
        return wait_recorded(fd, deadline_usec, NULL);
}
