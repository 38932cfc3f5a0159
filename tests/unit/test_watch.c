/* SPDX-License-Identifier: Apache-2.0 */
/* What wardtapd makes of wardtap-device, which is played here: it is not believed more than a card. */
#include "common/socket.h"
#include "devices/wire.h"
#include "helper/watch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* As many readers coming and going as no person could plug in. */
#define FLOOD_MAX 20000U
#define KEY_ID "00112233445566778899aabbccddeeff"

struct world {
        sd_event *event;
        struct watch *watch;
        int device; /* its end */
        bool floods, watching, lost, ignores;
        char cards[8];    /* what was said of them: + came, - left, ? was there something to ignore */
        unsigned readers; /* heard of */
        bool present, known, key_was_present;
        unsigned presences, knowings;
        int keys, key_device; /* those plugged in; the end of the watch over them */
};

/* The ends that the next two connections get. */
static int pair[2] = {-1, -1}, key_pair[2] = {-1, -1};

int __wrap_socket_connect(const char *path, uid_t listener_uid, int *ret_fd);
int __wrap_socket_connect(const char *path, uid_t listener_uid, int *ret_fd) {
        if (pair[0] < 0 && key_pair[0] < 0)
                return -ECONNREFUSED;
        *ret_fd = pair[0] >= 0 ? TAKE_FD(pair[0]) : TAKE_FD(key_pair[0]);
        return 0;
}

static void send_event(int fd, const struct device_event *e) {
        uint8_t buf[256];
        struct writer out = {.p = buf, .size = sizeof(buf)};
        device_event_write(&out, e);
        assert_int_equal(socket_send(fd, buf, out.n), 0);
}

static void say(struct world *w, enum device_event_type type) {
        const struct device_event e = {
                .type = type, .reader = "A", .reason = DEVICE_FAILED, .present = true, .retries = -1};
        send_event(w->device, &e);
}

static void say_key(struct world *w, enum device_event_type type) {
        const struct device_event e = {
                .type = type, .key = {.id = KEY_ID, .product = "Key"}, .present = true, .retries = -1};
        send_event(w->key_device, &e);
}

static void on_reader(void *userdata, const char *reader, bool attached) {
        struct world *w = userdata;
        assert_string_equal(reader, "A");
        if (w->floods && ++w->readers < FLOOD_MAX)
                say(w, attached ? DEVICE_EVENT_READER_DETACHED : DEVICE_EVENT_READER_ATTACHED);
}

static void on_lost(void *userdata, const char *reason) {
        ((struct world *) userdata)->lost = true;
}

static bool on_ignored(void *userdata, const char *reader) {
        struct world *w = userdata;
        (void) strncat(w->cards, "?", sizeof(w->cards) - strlen(w->cards) - 1);
        return w->ignores;
}

static void on_card(void *userdata, const char *reader, uint64_t seen_usec, const struct device_event *e) {
        fail();
}

static void on_watching(void *userdata, bool watching) {
        ((struct world *) userdata)->watching = watching;
}

static void on_card_present(void *userdata, const char *reader, bool present) {
        struct world *w = userdata;
        w->present = present;
        w->presences++;
        assert_string_equal(reader, "A");
        (void) strncat(w->cards, present ? "+" : "-", sizeof(w->cards) - strlen(w->cards) - 1);
}

static void on_key(void *userdata, const struct device_key *key, bool attached, bool present) {
        struct world *w = userdata;
        assert_string_equal(key->id, KEY_ID);
        w->keys += attached ? 1 : -1;
        w->key_was_present = present;
}

static void on_keys_known(void *userdata, bool known) {
        struct world *w = userdata;
        w->known = known;
        w->knowings++;
}

static const struct watch_events events = {on_reader,   on_lost,         on_ignored, on_card,
                                           on_watching, on_card_present, on_key,     on_keys_known};

static int setup(void **state) {
        struct world *w = calloc(1, sizeof(*w));
        if (!w || sd_event_new(&w->event) < 0 ||
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0 ||
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, key_pair) < 0)
                return -1;
        w->device = pair[1];
        w->key_device = key_pair[1];
        *state = w;
        return watch_new(w->event, &events, w, &w->watch);
}

static int teardown(void **state) {
        struct world *w = *state;
        (void) watch_free(w->watch);
        closep(&w->device);
        closep(&w->key_device);
        sd_event_unref(w->event);
        free(w);
        return 0;
}

static int on_turn(sd_event_source *source, void *userdata) {
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

static void a_device_service_that_never_stops_talking_leaves_time_for_records(void **state) {
        struct world *w = *state;
        w->floods = true;
        say(w, DEVICE_EVENT_READER_ATTACHED);
        sd_event_source *records = NULL; /* later than messages, as the recorder is */
        assert_true(sd_event_add_defer(w->event, &records, on_turn, NULL) >= 0);
        assert_true(sd_event_source_set_priority(records, SD_EVENT_PRIORITY_NORMAL + 10) >= 0);
        assert_int_equal(sd_event_loop(w->event), 0);
        assert_in_range(w->readers, 1, FLOOD_MAX / 10);
        sd_event_source_disable_unref(records);
}

static void cards_are_told_of_before_they_are_read(void **state) {
        struct world *w = *state;
        w->ignores = true; /* also where nothing is read */
        say(w, DEVICE_EVENT_READER_ATTACHED);
        say(w, DEVICE_EVENT_CARD_INSERTED);
        say(w, DEVICE_EVENT_CARD_REMOVED);
        say(w, DEVICE_EVENT_CARD_INSERTED);
        while (strlen(w->cards) < 6)
                assert_true(sd_event_run(w->event, 5000000) > 0);
        assert_string_equal(w->cards, "++?-+?"); /* one lay there when the reader came */
}

static void one_that_ends_takes_its_readers_with_it(void **state) {
        struct world *w = *state;
        say(w, DEVICE_EVENT_READER_ATTACHED);
        while (!w->watching)
                assert_true(sd_event_run(w->event, 5000000) > 0);
        closep(&w->device);
        while (!w->lost)
                assert_true(sd_event_run(w->event, 5000000) > 0);
        assert_false(w->watching);
}

static void a_card_is_there_until_it_is_taken(void **state) {
        struct world *w = *state;
        say(w, DEVICE_EVENT_READER_ATTACHED);
        while (w->presences < 1)
                assert_true(sd_event_run(w->event, 5000000) > 0);
        assert_true(w->present); /* it lay there before, and is no tap */
        say(w, DEVICE_EVENT_CARD_REMOVED);
        while (w->presences < 2)
                assert_true(sd_event_run(w->event, 5000000) > 0);
        assert_false(w->present);
}

static void keys_come_and_go_and_are_unknown_when_nobody_watches(void **state) {
        struct world *w = *state;
        say_key(w, DEVICE_EVENT_KEY_ATTACHED);
        say_key(w, DEVICE_EVENT_KEYS_LISTED);
        while (w->knowings < 1)
                assert_true(sd_event_run(w->event, 5000000) > 0);
        assert_true(w->known && w->key_was_present);
        assert_int_equal(w->keys, 1);
        say_key(w, DEVICE_EVENT_KEY_DETACHED);
        while (w->keys > 0)
                assert_true(sd_event_run(w->event, 5000000) > 0);
        closep(&w->key_device);
        while (w->knowings < 2)
                assert_true(sd_event_run(w->event, 5000000) > 0);
        assert_false(w->known || w->lost); /* and the readers stay */
}

/* Each watch may speak only of its own. */
static void a_watch_over_keys_that_speaks_of_cards_is_not_heard(void **state) {
        struct world *w = *state;
        const struct device_event e = {.type = DEVICE_EVENT_CARD_REMOVED, .reader = "A", .retries = -1};
        send_event(w->key_device, &e);
        while (w->knowings < 1)
                assert_true(sd_event_run(w->event, 5000000) > 0);
        assert_false(w->known);
        assert_int_equal(w->presences, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        a_device_service_that_never_stops_talking_leaves_time_for_records, setup, teardown),
                cmocka_unit_test_setup_teardown(cards_are_told_of_before_they_are_read, setup, teardown),
                cmocka_unit_test_setup_teardown(one_that_ends_takes_its_readers_with_it, setup, teardown),
                cmocka_unit_test_setup_teardown(a_card_is_there_until_it_is_taken, setup, teardown),
                cmocka_unit_test_setup_teardown(keys_come_and_go_and_are_unknown_when_nobody_watches, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_watch_over_keys_that_speaks_of_cards_is_not_heard, setup,
                                                teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
