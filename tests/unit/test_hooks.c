/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks against a bus on which systemd is played: which units are asked for, in which order, that a
 * systemd that hangs or refuses holds nothing up, and that floods are bounded. And the way of a record to
 * the program of a site. */
#include "helper/hook_message.h"
#include "helper/hooks.h"
#include "helper/hooks_spool.h"

#include "common/socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <systemd/sd-event.h>
#include <cmocka.h>

static struct {
        sd_event *event;
        sd_bus *here, *there;
        struct hooks *hooks;
        char folder[64], spool[96];
        bool off, refuse;
        bool hang; /* calls are kept unanswered in `kept` */
        sd_bus_message *kept[64];
        size_t n_kept;
        char said[8192]; /* "start UNIT\n" ... */
        unsigned calls;
} w;

static int take_call(sd_bus_message *m, const char *verb) {
        const char *unit, *mode;
        char line[256];
        assert_true(sd_bus_message_read(m, "ss", &unit, &mode) >= 0);
        assert_string_equal(mode, "replace");
        (void) snprintf(line, sizeof(line), "%s %s\n", verb, unit);
        if (strlen(w.said) + strlen(line) < sizeof(w.said))
                strcat(w.said, line);
        w.calls++;
        if (w.hang && w.n_kept < ELEMENTSOF(w.kept)) {
                w.kept[w.n_kept++] = sd_bus_message_ref(m);
                return 1;
        }
        return w.refuse ? sd_bus_reply_method_errorf(m, "org.freedesktop.DBus.Error.AccessDenied", "no")
                        : sd_bus_reply_method_return(m, "o", "/org/freedesktop/systemd1/job/1");
}

static int start_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return take_call(m, "start");
}

static int stop_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return take_call(m, "stop");
}

static const sd_bus_vtable systemd[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("StartUnit", "ss", "o", start_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StopUnit", "ss", "o", stop_unit, SD_BUS_VTABLE_UNPRIVILEGED), SD_BUS_VTABLE_END};

static sd_bus *the_bus(void *userdata) {
        return w.off ? NULL : w.here;
}

static void connect_both(void) {
        int fds[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_true(sd_bus_new(&w.here) >= 0 && sd_bus_set_fd(w.here, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_new(&w.there) >= 0 && sd_bus_set_fd(w.there, fds[1], fds[1]) >= 0);
        assert_true(sd_bus_set_server(w.there, 1, (sd_id128_t){0}) >= 0);
        assert_true(sd_bus_start(w.there) >= 0 && sd_bus_start(w.here) >= 0);
        assert_true(sd_bus_add_object_vtable(w.there, NULL, "/org/freedesktop/systemd1",
                                             "org.freedesktop.systemd1.Manager", systemd, NULL) >= 0);
        assert_true(sd_bus_attach_event(w.there, w.event, 0) >= 0 &&
                    sd_bus_attach_event(w.here, w.event, 0) >= 0);
}

static void disconnect(void) {
        while (w.n_kept > 0)
                sd_bus_message_unref(w.kept[--w.n_kept]);
        (void) sd_bus_detach_event(w.here);
        w.here = sd_bus_close_unref(w.here);
        (void) sd_bus_detach_event(w.there);
        w.there = sd_bus_close_unref(w.there);
}

static int begin(void **state) {
        char path[128];
        memset(&w, 0, sizeof(w));
        (void) snprintf(w.folder, sizeof(w.folder), "/tmp/test_hooks.XXXXXX");
        if (!mkdtemp(w.folder))
                return -1;
        (void) snprintf(w.spool, sizeof(w.spool), "%s/spool", w.folder);
        (void) snprintf(path, sizeof(path), "%s/event.d", w.folder);
        assert_int_equal(mkdir(path, 0700), 0);
        (void) snprintf(path, sizeof(path), "%s/alert.d", w.folder);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_true(sd_event_new(&w.event) >= 0);
        connect_both();
        const struct hooks_config c = {.bus = the_bus, .site = w.folder, .spool = w.spool};
        assert_int_equal(hooks_new(&c, &w.hooks), 0);
        return 0;
}

static int end(void **state) {
        char command[128];
        w.hooks = hooks_free(w.hooks);
        disconnect();
        sd_event_unref(w.event);
        (void) snprintf(command, sizeof(command), "rm -r '%s'", w.folder);
        return system(command);
}

/* Until nothing is ready any more. */
static void settle(void) {
        while (sd_event_run(w.event, 20000) > 0)
                ;
}

static void answer_kept(void) {
        size_t n = w.n_kept;
        w.n_kept = 0;
        w.hang = false;
        for (size_t i = 0; i < n; i++) {
                assert_true(sd_bus_reply_method_return(w.kept[i], "o", "/org/freedesktop/systemd1/job/1") >=
                            0);
                sd_bus_message_unref(w.kept[i]);
        }
}

static void provide(const char *name) {
        char path[128];
        (void) snprintf(path, sizeof(path), "%s/%s", w.folder, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
        assert_true(fd >= 0);
        (void) close(fd);
}

static struct record handoff(const char *user) {
        struct record r = {.event = RECORD_HANDOFF, .outcome = RECORD_SUCCESS};
        assert_int_equal(record_set(&r, RECORD_FIELD_USER, user), 0);
        return r;
}

static void note_handoff(uint64_t seq) {
        struct record r = handoff("anna");
        hooks_record(w.hooks, &r, seq);
        record_clear(&r);
}

static size_t files(void) {
        DIR *d = opendir(w.spool);
        size_t n = 0;
        assert_non_null(d);
        for (const struct dirent *e; (e = readdir(d));)
                n += e->d_name[0] != '.';
        (void) closedir(d);
        return n;
}

/* ---- presence ---- */

static void presence_is_one_unit_per_person(void **state) {
        hooks_present(w.hooks, 2001);
        settle();
        hooks_present(w.hooks, 2001); /* known already */
        hooks_present(w.hooks, 2002);
        hooks_absent(w.hooks, 2001);
        hooks_present(w.hooks, 0); /* root has no session here */
        settle();
        assert_string_equal(w.said,
                            "start wardtap-present@2001.service\nstart wardtap-present@2002.service\n"
                            "stop wardtap-present@2001.service\n");
}

/* Also of whom this wardtapd knows nothing: an earlier one may have started it. */
static void an_absence_is_asked_for_of_anybody(void **state) {
        hooks_absent(w.hooks, 2001);
        settle();
        assert_string_equal(w.said, "stop wardtap-present@2001.service\n");
}

static void while_systemd_hangs_one_call_waits_and_the_last_wish_counts(void **state) {
        w.hang = true;
        hooks_present(w.hooks, 2001);
        settle();
        for (unsigned i = 0; i < 1000; i++) {
                hooks_absent(w.hooks, 2001);
                hooks_present(w.hooks, 2001);
        }
        hooks_absent(w.hooks, 2001);
        settle();
        assert_int_equal(w.calls, 1);
        answer_kept();
        settle();
        assert_string_equal(w.said,
                            "start wardtap-present@2001.service\nstop wardtap-present@2001.service\n");
}

static void what_could_not_be_asked_is_asked_when_the_bus_is_back(void **state) {
        w.off = true;
        hooks_present(w.hooks, 2001);
        hooks_present(w.hooks, 2002);
        hooks_absent(w.hooks, 2002);
        provide("event.d/handoff");
        note_handoff(7);
        settle();
        assert_int_equal(w.calls, 0);
        w.off = false;
        hooks_resume(w.hooks);
        hooks_resume(w.hooks);
        settle();
        assert_string_equal(w.said, "start wardtap-present@2001.service\nstop wardtap-present@2002.service\n"
                                    "start wardtap-event@handoff-7.service\n");
}

static void a_call_that_the_bus_took_with_it_is_made_again(void **state) {
        w.hang = true;
        hooks_present(w.hooks, 2001);
        settle();
        disconnect();
        w.said[0] = 0;
        w.hang = false;
        connect_both();
        hooks_resume(w.hooks);
        settle();
        assert_string_equal(w.said, "start wardtap-present@2001.service\n");
        hooks_absent(w.hooks, 2001);
        settle();
        assert_int_equal(w.calls, 3);
}

static void a_refusal_holds_nothing_up(void **state) {
        w.refuse = true;
        hooks_present(w.hooks, 2001);
        settle();
        hooks_absent(w.hooks, 2001);
        settle();
        assert_int_equal(w.calls, 2);
        w.refuse = false;
        hooks_present(w.hooks, 2001);
        settle();
        assert_int_equal(w.calls, 3);
}

static void no_more_people_than_a_table_holds(void **state) {
        w.hang = true;
        for (uid_t uid = 1; uid <= HOOKS_PEOPLE_MAX + 10; uid++)
                hooks_present(w.hooks, uid);
        settle();
        assert_int_equal(w.calls, HOOKS_PEOPLE_MAX);
}

/* ---- events and alerts ---- */

static void without_a_program_nothing_is_started_and_nothing_written(void **state) {
        note_handoff(1);
        settle();
        assert_int_equal(w.calls, 0);
        assert_int_equal(files(), 0);
}

static void an_event_starts_its_unit_and_leaves_its_record(void **state) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        char path[160];
        struct stat st;
        struct record back;
        uint64_t seq;
        provide("event.d/handoff");
        note_handoff(123);
        settle();
        assert_string_equal(w.said, "start wardtap-event@handoff-123.service\n");
        (void) snprintf(path, sizeof(path), "%s/event-handoff-123", w.spool);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        ssize_t n = read(fd, buf, sizeof(buf));
        (void) close(fd);
        assert_int_equal(hook_message_read((struct bytes){buf, (size_t) n}, &back, &seq), 0);
        assert_int_equal(seq, 123);
        assert_int_equal(back.event, RECORD_HANDOFF);
        assert_string_equal(back.fields[RECORD_FIELD_USER], "anna");
        record_clear(&back);
        for (size_t cut = 0; cut < 10; cut++)
                assert_int_equal(hook_message_read((struct bytes){buf, cut}, &back, &seq), -EBADMSG);
}

static void the_default_gets_what_has_no_program_of_its_own(void **state) {
        provide("event.d/default");
        note_handoff(1);
        settle();
        assert_string_equal(w.said, "start wardtap-event@handoff-1.service\n");
}

static void an_alert_is_named_for_its_reason(void **state) {
        struct record r = {.event = RECORD_ALERT, .outcome = RECORD_FAILURE};
        provide("alert.d/default");
        assert_int_equal(record_set(&r, RECORD_FIELD_REASON, "records-lost"), 0);
        hooks_record(w.hooks, &r, 5);
        /* Text that is no name of a unit is not made one. */
        const char *const bad[] = {"../../x", "a b", "x;reboot", "9x", "", "A", "a@b", "%n"};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                assert_int_equal(record_set(&r, RECORD_FIELD_REASON, bad[i]), 0);
                w.said[0] = 0;
                hooks_record(w.hooks, &r, 6 + i);
                settle();
                assert_non_null(strstr(w.said, "start wardtap-alert@alert-"));
        }
        record_clear(&r);
        note_handoff(20); /* is no alert */
        settle();
        assert_int_equal(w.calls, 1 + ELEMENTSOF(bad));
}

static void a_flood_is_bounded(void **state) {
        provide("event.d/handoff");
        w.hang = true;
        for (uint64_t seq = 1; seq <= 1000; seq++)
                note_handoff(seq);
        settle();
        assert_int_equal(w.calls, HOOKS_STARTS_MAX);
        assert_true(files() <= HOOKS_STARTS_MAX);
        answer_kept();
        settle();
        for (uint64_t seq = 2000; seq < 3000; seq++) {
                note_handoff(seq);
                settle();
        }
        assert_true(w.calls <= HOOKS_PER_MINUTE);
}

static void make_old(const char *name) {
        char path[160];
        const struct timespec times[2] = {{.tv_sec = time(NULL) - 120}, {.tv_sec = time(NULL) - 120}};
        (void) snprintf(path, sizeof(path), "%s/%s", w.spool, name);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void old_records_go(void **state) {
        struct record r = handoff("anna");
        struct hooks_spool *s = NULL;
        char name[32];
        assert_int_equal(hooks_spool_new(w.spool, &s), 0);
        for (unsigned i = 0; i < HOOKS_FILES_MAX + 50; i++) {
                (void) snprintf(name, sizeof(name), "handoff-%u", i);
                assert_int_equal(hooks_spool_put(s, "event", name, &r, i), 0);
        }
        assert_int_equal(files(), HOOKS_FILES_MAX);
        s = hooks_spool_free(s);
        make_old("event-handoff-100");
        make_old("event-handoff-101");
        assert_int_equal(hooks_spool_new(w.spool, &s), 0);
        assert_int_equal(files(), HOOKS_FILES_MAX - 2); /* of a moment ago: a unit may be about to read it */
        hooks_spool_free(s);
        record_clear(&r);
}

static const char *of(char **environment, const char *name) {
        const char *found = NULL;
        size_t n = strlen(name);
        for (char **v = environment; *v; v++)
                if (strncmp(*v, name, n) == 0 && (*v)[n] == '=') {
                        assert_null(found); /* each once */
                        found = *v + n + 1;
                }
        return found;
}

static void the_program_reads_the_record_and_nothing_else_of_ours(void **state) {
        char *from[] = {(char *) "WARDTAP_USER=other", (char *) "EHR_URL=https://ehr",
                        (char *) "WARDTAP_LEFT=over", NULL};
        struct record r = handoff("anna; rm -rf / $(reboot) \"x\"");
        char **environment = NULL;
        assert_int_equal(record_set_u64(&r, RECORD_FIELD_SEQ, 4), 0);
        assert_int_equal(hook_environment(&r, 9, from, &environment), 0);
        assert_string_equal(of(environment, "WARDTAP_USER"), "anna; rm -rf / $(reboot) \"x\"");
        assert_string_equal(of(environment, "WARDTAP_EVENT"), "handoff");
        assert_string_equal(of(environment, "WARDTAP_OUTCOME"), "0");
        assert_string_equal(of(environment, "WARDTAP_SEQ"), "9");
        assert_string_equal(of(environment, "EHR_URL"), "https://ehr");
        assert_null(of(environment, "WARDTAP_LEFT"));
        environment = hook_environment_free(environment);
        for (unsigned i = 0; i < RECORD_FIELD_MAX; i++)
                assert_int_equal(record_set(&r, (enum record_field) i, "x"), 0);
        assert_int_equal(hook_environment(&r, 9, from, &environment), 0); /* there is room for all */
        assert_string_equal(of(environment, "WARDTAP_PREV"), "x");
        hook_environment_free(environment);
        record_clear(&r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
        const struct CMUnitTest tests[] = {
                T(presence_is_one_unit_per_person),
                T(an_absence_is_asked_for_of_anybody),
                T(while_systemd_hangs_one_call_waits_and_the_last_wish_counts),
                T(what_could_not_be_asked_is_asked_when_the_bus_is_back),
                T(a_call_that_the_bus_took_with_it_is_made_again),
                T(a_refusal_holds_nothing_up),
                T(no_more_people_than_a_table_holds),
                T(without_a_program_nothing_is_started_and_nothing_written),
                T(an_event_starts_its_unit_and_leaves_its_record),
                T(the_default_gets_what_has_no_program_of_its_own),
                T(an_alert_is_named_for_its_reason),
                T(a_flood_is_bounded),
                T(old_records_go),
                T(the_program_reads_the_record_and_nothing_else_of_ours),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
