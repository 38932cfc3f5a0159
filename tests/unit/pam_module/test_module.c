/* SPDX-License-Identifier: Apache-2.0 */
/* The built pam_wardtap.so under real libpam, against scripted attempts: its codes, what it leaves behind,
 * and what it never does. */
#include "stage.h"

#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN
#endif
#endif

extern char **environ;

#define PIN "secret-pin-4711"
#define TYPED_NAME "typed-password-0815"

/* An application may have symbols of the same names as the module's own. They are not the module's. */
#define DECOY __attribute__((visibility("default")))
DECOY void relay_run(void);
DECOY void relay_run(void) {
        abort();
}
DECOY int services_name(void);
DECOY int services_name(void) {
        abort();
}
DECOY int edge_authenticate(void);
DECOY int edge_authenticate(void) {
        return PAM_SUCCESS;
}

/* ---- scripts ---- */

static void allows_nurse1(int fd, const struct wire_start *s) {
        say_text(fd, WIRE_INFO, "Tap your badge");
        if (!s->user[0])
                say_user(fd, "nurse1");
        say_verdict(fd, WIRE_ALLOW);
}

static void denies(int fd, const struct wire_start *s) {
        say_text(fd, WIRE_ERROR, "This badge is not known here. Code 7QF2M3");
        say_verdict(fd, WIRE_DENY);
}

static void denies_after_the_name(int fd, const struct wire_start *s) {
        say_user(fd, "nurse1");
        say_verdict(fd, WIRE_DENY);
}

static void is_unavailable(int fd, const struct wire_start *s) {
        say_verdict(fd, WIRE_UNAVAIL);
}

static void says_too_many(int fd, const struct wire_start *s) {
        say_verdict(fd, WIRE_MAXTRIES);
}

static void asks_for_the_pin(int fd, const struct wire_start *s) {
        struct wire_message m;
        if (!s->user[0])
                say_user(fd, "nurse1");
        say_prompt(fd, "PIN: ");
        expect(hear_type(fd, &m) == WIRE_ANSWER, "ANSWER");
        expect(strcmp(m.answer, PIN) == 0, "the PIN");
        say_verdict(fd, WIRE_ALLOW);
}

static void asks_and_expects_no_answer(int fd, const struct wire_start *s) {
        say_user(fd, "nurse1");
        say_prompt(fd, "PIN: ");
        expect(hear_type(fd, NULL) == WIRE_NO_ANSWER, "NO_ANSWER");
        say_verdict(fd, WIRE_DENY);
}

static void hangs_up(int fd, const struct wire_start *s) {
}

static void hangs_up_after_a_text(int fd, const struct wire_start *s) {
        say_text(fd, WIRE_INFO, "Tap your badge");
}

static void hangs_up_after_the_name(int fd, const struct wire_start *s) {
        say_user(fd, "nurse1");
}

static void hangs_up_after_the_question(int fd, const struct wire_start *s) {
        say_prompt(fd, "PIN: ");
}

static void hangs_up_after_the_answer(int fd, const struct wire_start *s) {
        say_prompt(fd, "PIN: ");
        (void) hear_type(fd, NULL);
}

static void says_garbage(int fd, const struct wire_start *s) {
        say_bytes(fd, "\x02\xff garbage", 10);
        say_verdict(fd, WIRE_ALLOW);
}

static void says_garbage_after_the_name(int fd, const struct wire_start *s) {
        say_user(fd, "nurse1");
        say_bytes(fd, "\x02\xff garbage", 10);
        say_verdict(fd, WIRE_ALLOW);
}

static void says_too_much(int fd, const struct wire_start *s) {
        static const uint8_t big[SOCKET_MESSAGE_MAX] = {WIRE_VERSION, WIRE_INFO};
        say_user(fd, "nurse1");
        say_bytes(fd, big, sizeof(big));
        say_verdict(fd, WIRE_ALLOW);
}

static void speaks_another_version(int fd, const struct wire_start *s) {
        say_bytes(fd, (const uint8_t[]){WIRE_VERSION + 1, WIRE_VERDICT, WIRE_ALLOW, 0, 0, 0, 0}, 7);
        say_verdict(fd, WIRE_ALLOW);
}

static void turns_away_in_the_oldest_version(int fd, const struct wire_start *s) {
        struct wire_message m = {.version = 1, .type = WIRE_VERDICT, .verdict = {WIRE_MAXTRIES, "", ""}};
        (void) wire_send(fd, &m);
}

static void leaves_bytes_over(int fd, const struct wire_start *s) {
        uint8_t buf[128] = {WIRE_VERSION, WIRE_VERDICT, WIRE_ALLOW, 0, 32};
        say_user(fd, "nurse1");
        memcpy(buf + 5, STAGE_ATTEMPT, 32);
        say_bytes(fd, buf, 5 + 32 + 2 + 1); /* an empty code, and one byte more */
}

static void cuts_the_verdict(int fd, const struct wire_start *s) {
        say_user(fd, "nurse1");
        say_bytes(fd, (const uint8_t[]){WIRE_VERSION, WIRE_VERDICT, WIRE_ALLOW}, 3);
}

static void says_what_only_the_module_says(int fd, const struct wire_start *s) {
        struct wire_message m = {.version = WIRE_VERSION, .type = WIRE_ANSWER, .answer = PIN};
        say_user(fd, "nurse1");
        (void) wire_send(fd, &m);
        say_verdict(fd, WIRE_ALLOW);
}

static void names_two_people(int fd, const struct wire_start *s) {
        say_user(fd, "nurse1");
        say_user(fd, "nurse2");
        say_verdict(fd, WIRE_ALLOW);
}

static void allows_nobody(int fd, const struct wire_start *s) {
        say_verdict(fd, WIRE_ALLOW);
}

static void allows_without_an_attempt(int fd, const struct wire_start *s) {
        struct wire_message m = {
                .version = WIRE_VERSION, .type = WIRE_VERDICT, .verdict = {WIRE_ALLOW, "", ""}};
        say_user(fd, "nurse1");
        (void) wire_send(fd, &m);
}

static void paints_the_screen(int fd, const struct wire_start *s) {
        uint8_t buf[] = {WIRE_VERSION, WIRE_INFO, 0, 4, 27, '[', '2', 'J'};
        say_user(fd, "nurse1");
        say_bytes(fd, buf, sizeof(buf));
        say_verdict(fd, WIRE_ALLOW);
}

static void denies_and_then_allows(int fd, const struct wire_start *s) {
        say_user(fd, "nurse1");
        say_verdict(fd, WIRE_DENY);
        say_verdict(fd, WIRE_ALLOW);
}

static void allows_and_then_goes_on(int fd, const struct wire_start *s) {
        allows_nurse1(fd, s);
        say_user(fd, "nurse2");
        say_verdict(fd, WIRE_DENY);
}

/* Every way not to succeed, for an application that named nobody. */
static const struct failure {
        script *s;
        int code;
} failures[] = {
        {denies, PAM_AUTH_ERR},
        {denies_after_the_name, PAM_AUTH_ERR},
        {is_unavailable, PAM_AUTHINFO_UNAVAIL},
        {says_too_many, PAM_MAXTRIES},
        {hangs_up, PAM_AUTHINFO_UNAVAIL},
        {hangs_up_after_a_text, PAM_AUTHINFO_UNAVAIL},
        {hangs_up_after_the_name, PAM_AUTH_ERR},
        {hangs_up_after_the_question, PAM_AUTH_ERR},
        {hangs_up_after_the_answer, PAM_AUTH_ERR},
        {says_garbage, PAM_AUTHINFO_UNAVAIL},
        {says_garbage_after_the_name, PAM_AUTH_ERR},
        {says_too_much, PAM_AUTH_ERR},
        {speaks_another_version, PAM_AUTHINFO_UNAVAIL},
        {turns_away_in_the_oldest_version, PAM_MAXTRIES},
        {leaves_bytes_over, PAM_AUTH_ERR},
        {cuts_the_verdict, PAM_AUTH_ERR},
        {says_what_only_the_module_says, PAM_AUTH_ERR},
        {names_two_people, PAM_AUTH_ERR},
        {allows_nobody, PAM_AUTH_ERR},
        {allows_without_an_attempt, PAM_AUTH_ERR},
        {paints_the_screen, PAM_AUTH_ERR},
        {denies_and_then_allows, PAM_AUTH_ERR},
};

/* ---- codes ---- */

static int run_once(script *s, const char *service, const char *user) {
        struct app a = {.answer = PIN};
        attempt_begin(s, 1);
        app_start(&a, service, user, true);
        int code = app_authenticate(&a, 0);
        app_end(&a);
        attempt_end();
        return code;
}

static void a_yes_names_the_user_and_the_attempt(void **state) {
        struct app a = {0};
        attempt_begin(allows_nurse1, 1);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        assert_string_equal(app_user(&a), "nurse1");
        assert_string_equal(pam_getenv(a.h, "WARDTAP_ATTEMPT"), STAGE_ATTEMPT);
        assert_int_equal(a.n_shown, 1);
        assert_string_equal(a.last_text, "Tap your badge");
        assert_int_equal(pam_setcred(a.h, PAM_ESTABLISH_CRED), PAM_SUCCESS);
        app_end(&a);
        attempt_end();
}

static void every_failure_has_its_code_and_names_nobody(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(failures); i++) {
                struct app a = {.answer = PIN};
                attempt_begin(failures[i].s, 1);
                app_start(&a, "lightdm", NULL, true);
                int code = app_authenticate(&a, 0);
                if (code != failures[i].code)
                        fail_msg("failure %zu: %d, not %d", i, code, failures[i].code);
                assert_string_equal(app_user(&a), "");
                assert_null(pam_getenv(a.h, "WARDTAP_ATTEMPT"));
                assert_int_equal(pam_setcred(a.h, 0),
                                 code == PAM_AUTHINFO_UNAVAIL ? PAM_CRED_UNAVAIL : PAM_CRED_ERR);
                app_end(&a);
                attempt_end();
        }
}

static void pitfall_1_no_failure_becomes_success_before_pam_permit(void **state) {
        stage_stack("lightdm", "auth required %\nauth required pam_permit.so\n");
        for (size_t i = 0; i < ELEMENTSOF(failures); i++)
                assert_int_equal(run_once(failures[i].s, "lightdm", NULL), failures[i].code);
        assert_int_equal(run_once(allows_nurse1, "lightdm", NULL), PAM_SUCCESS);
        stage_stack("lightdm", "auth required %\n");
        stage_stack("cron", "auth required %\nauth required pam_permit.so\n");
        struct app a = {0};
        app_start(&a, "cron", "nurse1", true);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
        app_end(&a);
}

/* The line that man pam_wardtap gives to sites where a refusal is final. */
static void the_strict_line_falls_back_only_while_nobody_can_judge(void **state) {
        stage_stack("sudo", "auth [success=done authinfo_unavail=ignore cred_unavail=ignore cred_err=ignore "
                            "default=die] %\nauth required pam_permit.so\n");
        assert_int_equal(run_once(allows_nurse1, "sudo", "nurse1"), PAM_SUCCESS);
        assert_int_equal(run_once(denies, "sudo", "nurse1"), PAM_AUTH_ERR);
        assert_int_equal(run_once(says_too_many, "sudo", "nurse1"), PAM_MAXTRIES);
        assert_int_equal(run_once(is_unavailable, "sudo", "nurse1"), PAM_SUCCESS);
        struct app a = {0};
        app_start(&a, "sudo", "nurse1", true);
        assert_int_equal(pam_setcred(a.h, PAM_ESTABLISH_CRED),
                         PAM_SUCCESS); /* pam_permit's, as login -f needs */
        attempt_begin(allows_nurse1, 1);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        attempt_end();
        assert_int_equal(pam_set_item(a.h, PAM_USER, "root"), PAM_SUCCESS);
        assert_int_equal(pam_setcred(a.h, PAM_ESTABLISH_CRED), PAM_CRED_ERR);
        app_end(&a);
        stage_stack("sudo", "auth required %\nsession required %\n");
}

/* One refused after the name, one broken off after the question, then nurse1. */
static void lets_in_the_third(int fd, const struct wire_start *s) {
        static unsigned n;
        expect(s->again == (n == 1), "to be told that it follows another's last words");
        expect(!s->user[0], "no name of the one before");
        if (n++ == 0) {
                say_user(fd, "nurse2");
                say_text(fd, WIRE_ERROR, "PIN wrong. 7 tries left. Code 7QF2M3");
                say_verdict(fd, WIRE_AGAIN);
        } else if (n == 2) {
                say_user(fd, "nurse3");
                say_prompt(fd, "PIN: ");
        } else {
                allows_nurse1(fd, s);
        }
}

static void a_refusal_of_one_person_does_not_end_the_wait_for_the_next(void **state) {
        struct app a = {.answer = PIN};
        log_clear();
        attempt_begin(lets_in_the_third, 3);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        assert_string_equal(app_user(&a), "nurse1");
        assert_int_equal(a.n_asked, 1);
        assert_int_equal(a.n_shown, 3); /* the refusal, that it was interrupted, "Tap your badge" */
        assert_non_null(strstr(log_text(),
                               "authenticate: not let in here, waiting for the next, attempt " STAGE_ATTEMPT
                               ", code 7QF2M3"));
        assert_non_null(strstr(log_text(), "ended without a verdict"));
        assert_null(strstr(log_text(), "nurse2"));
        assert_null(strstr(log_text(), "nurse3"));
        app_end(&a);
        attempt_end();
}

static void says_again(int fd, const struct wire_start *s) {
        say_verdict(fd, WIRE_AGAIN);
}

static void asks_and_says_again(int fd, const struct wire_start *s) {
        say_prompt(fd, "PIN: ");
        (void) hear_type(fd, NULL);
        say_verdict(fd, WIRE_AGAIN);
}

static void a_refusal_of_who_was_named_or_has_left_is_final(void **state) {
        assert_int_equal(run_once(says_again, "lightdm", "nurse1"), PAM_AUTH_ERR);
        struct app a = {.manner = FAILS};
        attempt_begin(asks_and_says_again, 1);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTH_ERR);
        app_end(&a);
        attempt_end();
}

static void an_attempt_that_breaks_off_each_time_ends_the_wait(void **state) {
        struct app a = {0};
        attempt_serve(hangs_up_after_a_text);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
        assert_int_equal(a.n_shown, 6);
        app_end(&a);
        attempt_stop();
}

static void messages_after_the_verdict_have_no_effect(void **state) {
        struct app a = {0};
        attempt_begin(allows_and_then_goes_on, 1);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        assert_string_equal(app_user(&a), "nurse1");
        app_end(&a);
        attempt_end();
}

static void pitfall_28_a_stale_answer_reaches_no_other_attempt(void **state) {
        struct app a = {0};
        app_start(&a, "lightdm", NULL, true);
        attempt_begin(denies_and_then_allows, 1);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTH_ERR);
        attempt_end();
        attempt_begin(denies, 1);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTH_ERR);
        attempt_end();
        app_end(&a);
}

static void nobody_listening_is_unavailable(void **state) {
        struct app a = {0};
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
        attempt_listen(0); /* a socket file that nobody serves any more */
        attempt_was_not_asked();
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
        app_end(&a);
}

static void another_users_listener_is_not_believed(void **state) {
        struct app a = {0};
        attempt_listen(65534);
        app_start(&a, "lightdm", "root", true);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
        assert_non_null(strstr(log_text(), "is not root's"));
        app_end(&a);
        (void) alarm(0);
}

/* ---- services and remote callers ---- */

static void is_not_asked(const char *service) {
        struct app a = {0};
        attempt_listen(0);
        app_start(&a, service, "nurse1", true);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
        assert_int_equal(pam_setcred(a.h, 0), PAM_CRED_UNAVAIL);
        assert_int_equal(pam_open_session(a.h, 0), PAM_SUCCESS);
        assert_int_equal(pam_close_session(a.h, 0), PAM_SUCCESS);
        assert_int_equal(a.n_shown + a.n_asked, 0);
        app_end(&a);
        attempt_was_not_asked();
}

static void a_service_that_the_rules_do_not_name_is_left_alone(void **state) {
        is_not_asked("cron");
        stage_services("lightdmx\n lightdm\n#lightdm\nlight\n");
        is_not_asked("lightdm");
        is_not_asked("#lightdm");
        stage_services("");
        is_not_asked("lightdm");
        stage_services(NULL);
        is_not_asked("lightdm");
        stage_services("lightdm sign-in\nsudo\n\nkde\nlast");
}

static void pitfall_4_a_list_that_is_not_roots_alone_is_not_believed(void **state) {
        assert_int_equal(chmod(PATH_SERVICES, 0664), 0);
        is_not_asked("lightdm");
        assert_int_equal(chmod(PATH_SERVICES, 0646), 0);
        is_not_asked("lightdm");
        assert_int_equal(chmod(PATH_SERVICES, 0644), 0);
        assert_int_equal(chown(PATH_SERVICES, 65534, 0), 0);
        is_not_asked("lightdm");
        assert_int_equal(chown(PATH_SERVICES, 0, 0), 0);
        assert_int_equal(rename(PATH_SERVICES, PATH_RULES "/elsewhere"), 0);
        assert_int_equal(symlink(PATH_RULES "/elsewhere", PATH_SERVICES), 0);
        is_not_asked("lightdm");
        assert_int_equal(unlink(PATH_SERVICES), 0);
        assert_int_equal(mkdir(PATH_SERVICES, 0755), 0);
        is_not_asked("lightdm");
        assert_int_equal(rmdir(PATH_SERVICES), 0);
        assert_int_equal(rename(PATH_RULES "/elsewhere", PATH_SERVICES), 0);
        assert_int_equal(truncate(PATH_SERVICES, 65537), 0);
        is_not_asked("lightdm");
        stage_services("lightdm\nsudo\n\nkde\nlast");
        assert_int_equal(run_once(allows_nurse1, "lightdm", NULL), PAM_SUCCESS);
        assert_int_equal(run_once(allows_nurse1, "last", NULL), PAM_SUCCESS);
}

static void pitfall_5_a_fifo_does_not_hold_up_anybody(void **state) {
        stage_services(NULL);
        assert_int_equal(mkfifo(PATH_SERVICES, 0644), 0);
        log_clear();
        is_not_asked("lightdm");
        assert_non_null(strstr(log_text(), "regular file"));
        stage_services("lightdm\nsudo\n\nkde\nlast");
}

static void pitfall_20_somebody_far_away_is_not_asked(void **state) {
        static const char *const far[] = {"10.0.0.1", "ws7.example.org", "127.0.0.1", "::1"};
        for (size_t i = 0; i < ELEMENTSOF(far); i++) {
                struct app a = {0};
                attempt_listen(0);
                app_start(&a, "lightdm", "nurse1", true);
                assert_int_equal(pam_set_item(a.h, PAM_RHOST, far[i]), PAM_SUCCESS);
                assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
                assert_int_equal(pam_open_session(a.h, 0), PAM_SUCCESS);
                app_end(&a);
                attempt_was_not_asked();
        }
        struct app a = {0};
        attempt_begin(allows_nurse1, 1);
        app_start(&a, "lightdm", "nurse1", true);
        assert_int_equal(pam_set_item(a.h, PAM_RHOST, "localhost"), PAM_SUCCESS);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        app_end(&a);
        attempt_end();
}

static void items_that_no_station_has_are_not_sent(void **state) {
        char longer[80];
        memset(longer, 'a', sizeof(longer) - 1);
        longer[sizeof(longer) - 1] = 0;
        const char *const names[] = {longer, "nurse1\n", "\033[2J", "\377\376"};
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                struct app a = {0};
                attempt_listen(0);
                app_start(&a, "lightdm", names[i], true);
                assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
                app_end(&a);
                attempt_was_not_asked();
        }
}

static void pitfall_27_an_option_is_an_error(void **state) {
        stage_stack("lightdm", "auth required % debug\nsession required % nullok\n");
        struct app a = {0};
        attempt_listen(0);
        app_start(&a, "lightdm", "nurse1", true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SERVICE_ERR);
        assert_int_equal(pam_setcred(a.h, 0), PAM_SERVICE_ERR);
        assert_int_equal(pam_open_session(a.h, 0), PAM_SERVICE_ERR);
        assert_int_equal(pam_close_session(a.h, 0), PAM_SERVICE_ERR);
        assert_non_null(strstr(log_text(), "option"));
        app_end(&a);
        attempt_was_not_asked();
        stage_stack("lightdm", "auth required %\nsession required %\n");
}

static void pitfall_18_two_lines_of_a_stack_are_two_attempts(void **state) {
        stage_stack("sudo", "auth sufficient % debug\nauth required %\n");
        assert_int_equal(run_once(allows_nurse1, "sudo", "nurse1"), PAM_SUCCESS);
        stage_stack("sudo", "auth required %\nauth required %\n");
        struct app a = {0};
        attempt_begin(allows_nurse1, 2);
        app_start(&a, "sudo", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        app_end(&a);
        attempt_end();
        stage_stack("sudo", "auth required %\nsession required %\n");
}

/* ---- the conversation ---- */

static void pitfall_3_and_13_a_prompt_without_an_answer_is_no_answer(void **state) {
        char longer[WIRE_ANSWER_MAX + 2];
        memset(longer, '1', sizeof(longer) - 1);
        longer[sizeof(longer) - 1] = 0;
        struct app cases[] = {
                {.manner = FAILS_WITH_ANSWER, .answer = PIN},
                {.manner = NO_RESPONSE},
                {.manner = NO_TEXT},
                {.manner = ANSWERS, .answer = ""},
                {.manner = ANSWERS, .answer = longer},
                {.manner = ANSWERS, .answer = "12\00334"},
                {.manner = ANSWERS, .answer = "\377\377\377\377"},
                {.manner = FAILS, .answer = PIN},
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                attempt_begin(asks_and_expects_no_answer, 1);
                app_start(&cases[i], "lightdm", NULL, true);
                assert_int_equal(app_authenticate(&cases[i], 0), PAM_AUTH_ERR);
                assert_int_equal(cases[i].n_asked, 1);
                app_end(&cases[i]);
                attempt_end();
        }
}

static void the_longest_answer_arrives_whole(void **state) {
        char longest[WIRE_ANSWER_MAX + 1];
        memset(longest, '1', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = 0;
        struct app a = {.answer = PIN};
        attempt_begin(asks_for_the_pin, 1);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        assert_int_equal(a.last_style, PAM_PROMPT_ECHO_OFF);
        app_end(&a);
        attempt_end();
}

static void pitfall_13_no_conversation_at_all(void **state) {
        struct app a = {0};
        attempt_begin(asks_and_expects_no_answer, 1);
        app_start(&a, "lightdm", NULL, false); /* a pam_conv without a function */
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTH_ERR);
        attempt_end();
        attempt_begin(allows_nurse1, 1); /* texts that nobody reads stop nothing */
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        attempt_end();
        app_end(&a);
}

static void expects_a_hang_up(int fd, const struct wire_start *s) {
        say_text(fd, WIRE_INFO, "Tap your badge");
        expect(hear_type(fd, NULL) == -1, "a hang-up");
}

static void an_application_that_refuses_a_text_has_given_up(void **state) {
        struct app a = {.manner = FAILS};
        attempt_begin(expects_a_hang_up, 1);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_CONV_ERR);
        app_end(&a);
        attempt_end();
}

static void knows_of_the_silence(int fd, const struct wire_start *s) {
        expect(s->silent, "PAM_SILENT in START");
        asks_for_the_pin(fd, s);
}

static void shows_all_the_same(int fd, const struct wire_start *s) {
        expect(s->silent, "PAM_SILENT in START");
        say_text(fd, WIRE_INFO, "Touch your key to approve sudo as Nina Example");
        asks_for_the_pin(fd, s);
}

static void silence_is_the_attempts_to_keep(void **state) {
        struct app a = {.answer = PIN};
        app_start(&a, "sudo", "nurse1", true);
        attempt_begin(knows_of_the_silence, 1);
        assert_int_equal(app_authenticate(&a, PAM_SILENT), PAM_SUCCESS);
        attempt_end();
        assert_int_equal(a.n_shown, 0);
        assert_int_equal(a.n_asked, 1);
        attempt_begin(shows_all_the_same, 1);
        assert_int_equal(app_authenticate(&a, PAM_SILENT), PAM_SUCCESS);
        attempt_end();
        assert_int_equal(a.n_shown, 1);
        app_end(&a);
}

static void ends_during_the_question(int fd, const struct wire_start *s) {
        say_prompt(fd, "PIN: ");
        say_verdict(fd, WIRE_MAXTRIES);
}

static void wait_for_the_end(struct app *a) {
        siginfo_t info; /* the attempt, our only child, has ended while the person still types */
        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
}

static void a_verdict_that_came_during_a_question_counts(void **state) {
        struct app a = {.answer = PIN, .during = wait_for_the_end};
        attempt_begin(ends_during_the_question, 1);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_MAXTRIES);
        app_end(&a);
        attempt_end();
}

/* ---- who ---- */

static void names_nurse2(int fd, const struct wire_start *s) {
        say_user(fd, "nurse2");
        say_verdict(fd, WIRE_ALLOW);
}

static void a_user_that_the_application_named_is_not_changed(void **state) {
        struct app a = {0};
        attempt_begin(names_nurse2, 1);
        app_start(&a, "sudo", "nurse1", true);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTH_ERR);
        assert_string_equal(app_user(&a), "nurse1");
        app_end(&a);
        attempt_end();
        assert_int_equal(run_once(names_nurse2, "sudo", "nurse2"), PAM_SUCCESS);
        assert_int_equal(run_once(allows_nobody, "sudo", "nurse2"), PAM_SUCCESS);
}

static void rewrite_user(struct app *a) {
        assert_int_equal(pam_set_item(a->h, PAM_USER, "root"), PAM_SUCCESS);
}

static void pitfall_14_a_user_rewritten_during_the_attempt_is_denied(void **state) {
        struct app a = {.during = rewrite_user};
        attempt_begin(allows_nurse1, 1);
        app_start(&a, "lightdm", "nurse1", true);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTH_ERR);
        app_end(&a);
        attempt_end();
}

static void pitfall_14_a_user_rewritten_between_hooks_gets_nothing(void **state) {
        struct app a = {0};
        attempt_serve(allows_nurse1); /* whoever asks is told yes */
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        rewrite_user(&a);
        assert_int_equal(pam_setcred(a.h, PAM_ESTABLISH_CRED), PAM_CRED_ERR);
        assert_int_equal(pam_open_session(a.h, 0), PAM_SESSION_ERR);
        assert_int_equal(pam_set_item(a.h, PAM_USER, NULL), PAM_SUCCESS);
        assert_int_equal(pam_setcred(a.h, PAM_ESTABLISH_CRED), PAM_CRED_ERR);
        app_end(&a);
        attempt_stop();
}

static void sudo_may_name_the_account_it_becomes(void **state) {
        struct app a = {0};
        attempt_begin(allows_nurse1, 2);
        app_start(&a, "sudo", "nurse1", true);
        assert_int_equal(pam_set_item(a.h, PAM_RUSER, "nurse1"), PAM_SUCCESS);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        rewrite_user(&a);
        assert_int_equal(pam_setcred(a.h, PAM_REINITIALIZE_CRED), PAM_SUCCESS);
        assert_int_equal(pam_open_session(a.h, 0), PAM_SUCCESS);
        app_end(&a);
        attempt_end();
}

static void a_later_failure_ends_an_earlier_yes(void **state) {
        struct app a = {0};
        app_start(&a, "lightdm", "nurse1", true);
        attempt_begin(allows_nurse1, 1);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        attempt_end();
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
        assert_int_equal(pam_setcred(a.h, 0), PAM_CRED_UNAVAIL);
        assert_null(pam_getenv(a.h, "WARDTAP_ATTEMPT"));
        app_end(&a);
}

/* ---- sessions ---- */

static void lets_in_and_accounts(int fd, const struct wire_start *s) {
        if (s->hook == WIRE_AUTHENTICATE) {
                allows_nurse1(fd, s);
                return;
        }
        expect(strcmp(s->attempt, STAGE_ATTEMPT) == 0, "the attempt that let her in");
        expect(strcmp(s->user, "nurse1") == 0 && strcmp(s->session, "c2") == 0 &&
                       strcmp(s->seat, "seat0") == 0 && strcmp(s->tty, ":0") == 0,
               "user, session, seat and terminal");
        say_verdict(fd, s->hook == WIRE_OPEN_SESSION ? WIRE_ALLOW : WIRE_DENY);
}

static void a_session_is_told_with_its_attempt(void **state) {
        struct app a = {0};
        attempt_begin(lets_in_and_accounts, 3);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(pam_set_item(a.h, PAM_TTY, ":0"), PAM_SUCCESS);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        assert_int_equal(pam_putenv(a.h, "XDG_SEAT=seat0"), PAM_SUCCESS);
        assert_int_equal(pam_putenv(a.h, "XDG_SESSION_ID=c2"), PAM_SUCCESS);
        assert_int_equal(pam_putenv(a.h, "WARDTAP_ATTEMPT=of-pam_env"), PAM_SUCCESS);
        assert_int_equal(pam_open_session(a.h, 0), PAM_SUCCESS);
        assert_string_equal(pam_getenv(a.h, "WARDTAP_ATTEMPT"), STAGE_ATTEMPT);
        assert_int_equal(pam_close_session(a.h, 0), PAM_SESSION_ERR);
        attempt_end();
        assert_int_equal(pam_open_session(a.h, 0), PAM_SESSION_ERR); /* nobody to account for it any more */
        assert_null(pam_getenv(a.h, "WARDTAP_ATTEMPT"));
        app_end(&a);
}

static void hangs_up_at_sessions(int fd, const struct wire_start *s) {
        if (s->hook == WIRE_AUTHENTICATE)
                allows_nurse1(fd, s);
}

static void asks_at_sessions(int fd, const struct wire_start *s) {
        if (s->hook == WIRE_AUTHENTICATE) {
                allows_nurse1(fd, s);
                return;
        }
        say_prompt(fd, "PIN: ");
        expect(hear_type(fd, NULL) == -1, "no answer in a session hook");
}

static void a_session_that_cannot_be_told_does_not_open(void **state) {
        script *const scripts[] = {hangs_up_at_sessions, asks_at_sessions};
        for (size_t i = 0; i < ELEMENTSOF(scripts); i++) {
                struct app a = {.answer = PIN};
                attempt_begin(scripts[i], 2);
                app_start(&a, "lightdm", NULL, true);
                assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
                assert_int_equal(pam_open_session(a.h, 0), PAM_SESSION_ERR);
                assert_int_equal(a.n_asked, 0);
                app_end(&a);
                attempt_end();
        }
}

static void keeps_no_account_of_sessions(int fd, const struct wire_start *s) {
        if (s->hook == WIRE_AUTHENTICATE)
                allows_nurse1(fd, s);
        else
                say_verdict(fd, WIRE_UNAVAIL);
}

static void a_session_that_no_account_is_kept_of_opens(void **state) {
        struct app a = {0};
        attempt_begin(keeps_no_account_of_sessions, 3);
        app_start(&a, "sudo", "nurse1", true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        assert_int_equal(pam_open_session(a.h, 0), PAM_SUCCESS);
        assert_int_equal(pam_close_session(a.h, 0), PAM_SUCCESS);
        app_end(&a);
        attempt_end();
}

static void refuses_a_fallback(int fd, const struct wire_start *s) {
        expect(s->hook == WIRE_OPEN_SESSION && !s->attempt[0], "a session that no attempt let in");
        say_verdict(fd, WIRE_DENY);
}

static void the_sites_fallback_works_without_us_and_can_be_refused_by_us(void **state) {
        struct app a = {0};
        app_start(&a, "lightdm", "nurse1", true);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
        assert_int_equal(pam_open_session(a.h, 0), PAM_SUCCESS);
        attempt_begin(hangs_up, 1);
        assert_int_equal(pam_open_session(a.h, 0), PAM_SUCCESS);
        attempt_end();
        attempt_begin(refuses_a_fallback, 1);
        assert_int_equal(pam_open_session(a.h, 0), PAM_SESSION_ERR);
        attempt_end();
        app_end(&a);
}

static void pitfall_26_hooks_without_authenticate_prove_nothing(void **state) {
        struct app a = {0};
        app_start(&a, "lightdm", "nurse1", true);
        assert_int_equal(pam_setcred(a.h, PAM_ESTABLISH_CRED), PAM_CRED_ERR);
        assert_int_equal(pam_setcred(a.h, PAM_DELETE_CRED), PAM_CRED_ERR);
        attempt_begin(refuses_a_fallback, 1);
        assert_int_equal(pam_putenv(a.h, "WARDTAP_ATTEMPT=of-pam_env"), PAM_SUCCESS);
        assert_int_equal(pam_open_session(a.h, 0), PAM_SESSION_ERR);
        attempt_end();
        assert_null(pam_getenv(a.h, "WARDTAP_ATTEMPT"));
        app_end(&a);
}

static void pitfall_17_a_forked_child_has_not_authenticated(void **state) {
        struct app a = {0};
        attempt_begin(lets_in_and_accounts, 2);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(pam_set_item(a.h, PAM_TTY, ":0"), PAM_SUCCESS);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        pid_t child = fork();
        if (child == 0) {
                int code = pam_setcred(a.h, PAM_ESTABLISH_CRED);
                (void) pam_end(a.h, PAM_SUCCESS | PAM_DATA_SILENT);
                _exit(code == PAM_CRED_ERR ? 0 : 1);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(pam_setcred(a.h, PAM_ESTABLISH_CRED), PAM_SUCCESS);
        assert_int_equal(pam_putenv(a.h, "XDG_SEAT=seat0"), PAM_SUCCESS);
        assert_int_equal(pam_putenv(a.h, "XDG_SESSION_ID=c2"), PAM_SUCCESS);
        assert_int_equal(pam_open_session(a.h, 0), PAM_SUCCESS);
        app_end(&a);
        attempt_end();
}

/* ---- what the application notices: nothing ---- */

struct world {
        char fds[512], locale[512], cwd[256], environment[8192];
        bool blocked[65];
        void (*handlers[65])(int);
        int flags[65];
        mode_t mask_of_files;
        struct itimerval timer;
        uid_t r, e, s;
        gid_t rg, eg, sg, groups[64];
        int n_groups;
};

static unsigned list_fds(char *ret, size_t size, unsigned *ret_inherited) {
        DIR *d = opendir("/proc/self/fd");
        unsigned n = 0;
        size_t at = 0;
        assert_non_null(d);
        *ret_inherited = 0;
        for (struct dirent *e; (e = readdir(d));) {
                uint64_t fd;
                if (parse_u64(e->d_name, 65536, &fd) < 0 || (int) fd == dirfd(d))
                        continue;
                n++;
                *ret_inherited += !(fcntl((int) fd, F_GETFD) & FD_CLOEXEC);
                at += (size_t) snprintf(ret + at, size - at, "%s ", e->d_name);
                assert_true(at < size);
        }
        (void) closedir(d);
        return n;
}

static void look(struct world *w) {
        unsigned inherited;
        size_t at = 0;
        memset(w, 0, sizeof(*w));
        (void) list_fds(w->fds, sizeof(w->fds), &inherited);
        (void) snprintf(w->locale, sizeof(w->locale), "%s", setlocale(LC_ALL, NULL));
        assert_non_null(getcwd(w->cwd, sizeof(w->cwd)));
        for (char **e = environ; *e; e++)
                at += (size_t) snprintf(w->environment + at, sizeof(w->environment) - at, "%s;", *e);
        assert_true(at < sizeof(w->environment));
        sigset_t mask;
        assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
        for (int i = 1; i < 65; i++) {
                struct sigaction action;
                w->blocked[i] = sigismember(&mask, i) == 1;
                if (sigaction(i, NULL, &action) == 0) {
                        w->handlers[i] = action.sa_handler;
                        w->flags[i] = action.sa_flags;
                }
        }
        w->mask_of_files = umask(0);
        (void) umask(w->mask_of_files);
        assert_int_equal(getresuid(&w->r, &w->e, &w->s), 0);
        assert_int_equal(getresgid(&w->rg, &w->eg, &w->sg), 0);
        w->n_groups = getgroups(64, w->groups);
        assert_int_equal(getitimer(ITIMER_REAL, &w->timer), 0);
}

static struct world before;

static void nothing_has_changed(void) {
        static struct world now;
        look(&now);
        assert_string_equal(now.fds, before.fds);
        assert_memory_equal(&now, &before, sizeof(now));
}

static unsigned inherited_before, fds_before;

static void at_most_one_new_fd_and_closed_on_exec(struct app *a) {
        char fds[512];
        unsigned inherited, n = list_fds(fds, sizeof(fds), &inherited);
        assert_int_equal(inherited, inherited_before);
        assert_true(n <= fds_before + 1);
}

static void on_signal(int signal) {
}

static void pitfalls_6_8_12_22_no_hook_changes_the_process(void **state) {
        struct app a = {.answer = PIN, .during = at_most_one_new_fd_and_closed_on_exec};
        sigset_t usr1;
        (void) sigemptyset(&usr1);
        (void) sigaddset(&usr1, SIGUSR1);
        assert_int_equal(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
        assert_true(signal(SIGCHLD, on_signal) != SIG_ERR);
        (void) setlocale(LC_ALL, "C.UTF-8");
        (void) umask(027);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0),
                         PAM_AUTHINFO_UNAVAIL); /* the module is loaded from here on */
        attempt_begin(asks_for_the_pin, 1);
        fds_before = list_fds(before.fds, sizeof(before.fds), &inherited_before);
        look(&before);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        nothing_has_changed();
        assert_int_equal(a.n_asked, 1);
        attempt_end();
        assert_int_equal(pam_setcred(a.h, PAM_ESTABLISH_CRED), PAM_SUCCESS);
        nothing_has_changed();
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal((i ? pam_close_session : pam_open_session)(a.h, 0), PAM_SESSION_ERR);
                nothing_has_changed();
        }
        for (size_t i = 0; i < ELEMENTSOF(failures); i++) {
                attempt_begin(failures[i].s, 1);
                assert_int_equal(pam_set_item(a.h, PAM_USER, NULL), PAM_SUCCESS);
                (void) app_authenticate(&a, 0);
                nothing_has_changed();
                attempt_end();
        }
        app_end(&a);
        (void) signal(SIGCHLD, SIG_DFL);
        assert_int_equal(sigprocmask(SIG_UNBLOCK, &usr1, NULL), 0);
        (void) umask(022);
        (void) setlocale(LC_ALL, "C");
}

static void pitfall_7_the_environment_has_no_effect(void **state) {
        static const char *const hostile[] = {
                "PCSCLITE_CSOCK_NAME", "FIDO_DEBUG", "WARDTAP_SOCKET", "WARDTAP_AUTH_SOCKET",
                "WARDTAP_ATTEMPT",     "XDG_SEAT",   "XDG_SESSION_ID", "XDG_CONFIG_HOME",
                "XDG_RUNTIME_DIR",     "TMPDIR",     "OPENSC_CONF"};
        for (size_t i = 0; i < ELEMENTSOF(hostile); i++)
                assert_int_equal(setenv(hostile[i], "/tmp/hostile", 1), 0);
        struct app a = {0};
        attempt_begin(allows_nurse1, 1);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        assert_string_equal(pam_getenv(a.h, "WARDTAP_ATTEMPT"), STAGE_ATTEMPT);
        app_end(&a);
        attempt_end();
        for (size_t i = 0; i < ELEMENTSOF(hostile); i++)
                assert_int_equal(unsetenv(hostile[i]), 0);
}

static int alarms[2];
static volatile sig_atomic_t n_alarms;

static void on_alarm(int signal) {
        int saved = errno;
        if (++n_alarms == 10)
                (void) !write(alarms[1], "x", 1);
        errno = saved;
}

static void waits_for_ten_alarms(int fd, const struct wire_start *s) {
        char c;
        say_text(fd, WIRE_INFO, "Tap your badge");
        expect(read(alarms[0], &c, 1) == 1, "ten alarms during the wait");
        say_user(fd, "nurse1");
        say_verdict(fd, WIRE_ALLOW);
}

static void pitfall_9_signals_do_not_end_the_wait(void **state) {
        const struct itimerval every_10_ms = {{0, 10000}, {0, 10000}}, never = {0};
        const struct sigaction handler = {.sa_handler = on_alarm}, none = {.sa_handler = SIG_DFL};
        struct app a = {0};
        assert_int_equal(pipe2(alarms, O_CLOEXEC), 0);
        attempt_begin(waits_for_ten_alarms, 1);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(sigaction(SIGALRM, &handler, NULL),
                         0); /* no SA_RESTART: every wait is interrupted */
        assert_int_equal(setitimer(ITIMER_REAL, &every_10_ms, NULL), 0);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
        assert_true(n_alarms >= 10);
        assert_int_equal(sigaction(SIGALRM, &none, NULL), 0);
        app_end(&a);
        attempt_end();
        (void) close(alarms[0]);
        (void) close(alarms[1]);
}

static void kills_the_application(int fd, const struct wire_start *s) {
        struct ucred peer;
        say_text(fd, WIRE_INFO, "Tap your badge");
        expect(socket_peer(fd, &peer) == 0 && kill(peer.pid, SIGKILL) == 0, "to end the application");
        expect(hear_type(fd, NULL) == -1, "a hang-up");
}

static void pitfall_19_the_attempt_learns_at_once_that_the_application_died(void **state) {
        attempt_begin(kills_the_application, 1);
        pid_t child = fork();
        if (child == 0) {
                struct app a = {0};
                app_start(&a, "lightdm", NULL, true);
                (void) app_authenticate(&a, 0);
                _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        attempt_end();
}

static void pitfall_15_every_user_is_asked_about_alike(void **state) {
        static const char *const users[] = {"root", "nobody-has-this-name", "nurse1"};
        for (size_t i = 0; i < ELEMENTSOF(users); i++) {
                struct app a = {.answer = PIN};
                attempt_begin(denies, 1);
                app_start(&a, "lightdm", users[i], true);
                assert_int_equal(app_authenticate(&a, 0), PAM_AUTH_ERR);
                assert_int_equal(a.n_shown, 1);
                assert_string_equal(a.last_text, "This badge is not known here. Code 7QF2M3");
                app_end(&a);
                attempt_end();
        }
}

static void pitfall_16_no_secret_and_no_unknown_name_is_logged(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(failures); i++) {
                log_clear();
                if (run_once(failures[i].s, "lightdm", TYPED_NAME) == PAM_SUCCESS)
                        continue; /* some are failures only where nobody was named */
                assert_null(strstr(log_text(), TYPED_NAME));
                assert_null(strstr(log_text(), PIN));
                assert_non_null(strstr(log_text(), "authenticate: "));
        }
        log_clear();
        assert_int_equal(run_once(denies_after_the_name, "lightdm", NULL), PAM_AUTH_ERR);
        assert_null(strstr(log_text(), "nurse1"));
        assert_int_equal(run_once(asks_for_the_pin, "lightdm", NULL), PAM_SUCCESS);
        assert_null(strstr(log_text(), PIN));
        assert_null(strstr(log_text(), TYPED_NAME));
        assert_non_null(strstr(log_text(), "authenticate: denied, attempt " STAGE_ATTEMPT ", code 7QF2M3"));
        assert_non_null(strstr(log_text(), "authenticate: allowed for nurse1, attempt " STAGE_ATTEMPT));
}

static void a_yes_to_kdes_lock_screen_is_not_too_quick_for_it(void **state) {
        stage_stack("kde", "auth required %\n");
        uint64_t begun = now_monotonic_usec();
        assert_int_equal(run_once(allows_nurse1, "kde", "nurse1"), PAM_SUCCESS);
        assert_true(now_monotonic_usec() - begun >= 60000);
        struct app a = {0};
        app_start(&a, "kde", "nurse1", true);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
        app_end(&a);
}

/* ---- the file ---- */

static void pitfall_10_loaded_and_unloaded_a_thousand_times(void **state) {
        struct rusage use;
        long early = 0;
        attempt_begin(allows_nurse1, 1000);
        for (unsigned i = 0; i < 1000; i++) {
                struct app a = {0};
                app_start(&a, "lightdm", NULL, true);
                assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
                app_end(&a);
                assert_null(dlopen(MODULE_SO, RTLD_NOW | RTLD_NOLOAD)); /* it is gone again */
                log_clear();
                assert_int_equal(getrusage(RUSAGE_SELF, &use), 0);
                if (i == 200)
                        early = use.ru_maxrss;
        }
        attempt_end();
#if !defined(UNDER_ASAN)
        assert_in_range(use.ru_maxrss, 0, early + 1024); /* KB; what is freed under ASan stays for a while */
#else
        (void) early;
#endif
}

static void prints(const char *command, const char *want) {
        char line[4096] = "";
        FILE *f = popen(command, "re");
        assert_non_null(f);
        size_t n = fread(line, 1, sizeof(line) - 1, f);
        line[n] = 0;
        assert_int_equal(pclose(f), 0);
        assert_string_equal(line, want);
}

static void pitfall_11_it_exports_its_hooks_and_nothing_else(void **state) {
        prints("nm -D --defined-only " MODULE_SO " | awk '{print $3}' | sort | tr '\\n' ' '",
               "pam_sm_authenticate pam_sm_close_session pam_sm_open_session pam_sm_setcred ");
        prints("readelf -dW " MODULE_SO " | grep -cE 'SYMBOLIC.*BIND_NOW|BIND_NOW.*SYMBOLIC'", "1\n");
}

static void it_needs_libpam_and_libc_alone(void **state) {
        prints("readelf -dW " MODULE_SO
               " | sed -n 's/.*NEEDED.*\\[\\(.*\\)\\]/\\1/p' | grep -vE '^lib(a|ub)san' | sort | "
               "tr '\\n' ' '",
               "libc.so.6 libpam.so.0 ");
}

static void pitfalls_7_8_10_12_25_it_cannot_call_what_it_must_not(void **state) {
        prints("nm -D --undefined-only " MODULE_SO " | awk '{print $2}' | sed 's/@.*//' | grep -xE "
               "'(secure_)?getenv|(__)?secure_getenv|setenv|putenv|unsetenv|clearenv|setlocale|newlocale|"
               "uselocale|"
               "signal|sigaction|sigprocmask|pthread_.*|alarm|setitimer|v?fork|clone|posix_spawnp?|exec.*|"
               "system|"
               "popen|umask|f?chdir|chroot|set(e|re|res|fs)?[ug]id|setgroups|initgroups|openlog|v?syslog|"
               "dlopen|"
               "pam_get_user|strcpy|strtoul?l?|atoi|.*scanf' ; true",
               "");
}

static int begin(void **state) {
        stage_set();
        stage_services("lightdm sign-in\nsudo\n\nkde\nlast");
        static const char *const services[] = {"lightdm", "sudo", "cron", "last", "#lightdm", "other"};
        for (size_t i = 0; i < ELEMENTSOF(services); i++)
                stage_stack(services[i], "auth required %\nsession required %\n");
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_yes_names_the_user_and_the_attempt),
                cmocka_unit_test(every_failure_has_its_code_and_names_nobody),
                cmocka_unit_test(pitfall_1_no_failure_becomes_success_before_pam_permit),
                cmocka_unit_test(the_strict_line_falls_back_only_while_nobody_can_judge),
                cmocka_unit_test(a_refusal_of_one_person_does_not_end_the_wait_for_the_next),
                cmocka_unit_test(a_refusal_of_who_was_named_or_has_left_is_final),
                cmocka_unit_test(an_attempt_that_breaks_off_each_time_ends_the_wait),
                cmocka_unit_test(messages_after_the_verdict_have_no_effect),
                cmocka_unit_test(pitfall_28_a_stale_answer_reaches_no_other_attempt),
                cmocka_unit_test(nobody_listening_is_unavailable),
                cmocka_unit_test(another_users_listener_is_not_believed),
                cmocka_unit_test(a_service_that_the_rules_do_not_name_is_left_alone),
                cmocka_unit_test(pitfall_4_a_list_that_is_not_roots_alone_is_not_believed),
                cmocka_unit_test(pitfall_5_a_fifo_does_not_hold_up_anybody),
                cmocka_unit_test(pitfall_20_somebody_far_away_is_not_asked),
                cmocka_unit_test(items_that_no_station_has_are_not_sent),
                cmocka_unit_test(pitfall_27_an_option_is_an_error),
                cmocka_unit_test(pitfall_18_two_lines_of_a_stack_are_two_attempts),
                cmocka_unit_test(pitfall_3_and_13_a_prompt_without_an_answer_is_no_answer),
                cmocka_unit_test(the_longest_answer_arrives_whole),
                cmocka_unit_test(pitfall_13_no_conversation_at_all),
                cmocka_unit_test(an_application_that_refuses_a_text_has_given_up),
                cmocka_unit_test(silence_is_the_attempts_to_keep),
                cmocka_unit_test(a_verdict_that_came_during_a_question_counts),
                cmocka_unit_test(a_user_that_the_application_named_is_not_changed),
                cmocka_unit_test(pitfall_14_a_user_rewritten_during_the_attempt_is_denied),
                cmocka_unit_test(pitfall_14_a_user_rewritten_between_hooks_gets_nothing),
                cmocka_unit_test(sudo_may_name_the_account_it_becomes),
                cmocka_unit_test(a_later_failure_ends_an_earlier_yes),
                cmocka_unit_test(a_session_is_told_with_its_attempt),
                cmocka_unit_test(a_session_that_cannot_be_told_does_not_open),
                cmocka_unit_test(a_session_that_no_account_is_kept_of_opens),
                cmocka_unit_test(the_sites_fallback_works_without_us_and_can_be_refused_by_us),
                cmocka_unit_test(pitfall_26_hooks_without_authenticate_prove_nothing),
                cmocka_unit_test(pitfall_17_a_forked_child_has_not_authenticated),
                cmocka_unit_test(pitfalls_6_8_12_22_no_hook_changes_the_process),
                cmocka_unit_test(pitfall_7_the_environment_has_no_effect),
                cmocka_unit_test(pitfall_9_signals_do_not_end_the_wait),
                cmocka_unit_test(pitfall_19_the_attempt_learns_at_once_that_the_application_died),
                cmocka_unit_test(pitfall_15_every_user_is_asked_about_alike),
                cmocka_unit_test(pitfall_16_no_secret_and_no_unknown_name_is_logged),
                cmocka_unit_test(a_yes_to_kdes_lock_screen_is_not_too_quick_for_it),
                cmocka_unit_test(pitfall_10_loaded_and_unloaded_a_thousand_times),
                cmocka_unit_test(pitfall_11_it_exports_its_hooks_and_nothing_else),
                cmocka_unit_test(it_needs_libpam_and_libc_alone),
                cmocka_unit_test(pitfalls_7_8_10_12_25_it_cannot_call_what_it_must_not),
        };
        return cmocka_run_group_tests(tests, begin, NULL);
}
