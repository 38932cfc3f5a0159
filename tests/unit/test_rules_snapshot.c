/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot comes back as it was written or not at all, and an apply that fails leaves the last good one in
 * force. */
#include "common/bytes.h"
#include "common/util.h"
#include "policy/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#define NOW (UINT64_C(1795166502) * 1000000U) /* 2026-11-20T09:21:42Z */

static const char first[] =
        "[Site]\nRelyingParty=wardtap.example.org\nRecovery=strict\nTickets=yes\n[Station]\nOtherSeats="
        "refuse\n"
        "[Role nurse]\nGroups=nurses \"Domain Users\"\nStations=ward3\n"
        "Hours=Mon-Fri 07:00-15:00, Sat,Sun 22:00-06:00\nGraceMode=renewed\nWalkAway=nothing\n"
        "Approves=ticket recover\nKeyAttested=yes\nElevateMax=2h\n"
        "KeyModels=cb69481e-8ff7-4039-93ec-0a2729a154a8\nTickets=no\n"
        "[Place or]\nTags=or\n[Service lightdm]\nUse=sign-in\n[Service sudo]\nUse=step-up\n"
        "[Exception x]\nOwner=lead\nReason=No key yet\nUntil=2026-12-24\nUsers=anna\nGroups=agency\n"
        "Stations=ward3\nServices=lightdm\nSignIn=badge\n"
        "[Check disk]\nUnit=disk.service\nMaxAge=1d\nThen=no-grace\nTags=ward3\n"
        "[BreakGlass]\nMinutes=45\nGroups=nurses \"Domain Users\"\nTags=ward3\nUses=3\nBadge=fresh\n"
        "Reasons=arrest \"no key\" broken other\nReviewers=clinical security\nAccounts=emergency1\n";
static const char second[] = "[Site]\nRelyingParty=wardtap.example.org\n[Station]\nName=bay2\n"
                             "[Role nurse]\nGroups=nurses\n[Service login]\nUse=sign-in\n";

static struct rules *parse(const char *text) {
        struct rules *r = NULL;
        struct rules_errors e;
        assert_int_equal(rules_parse_text("t", text, strlen(text), &r, &e), 0);
        rules_errors_clear(&e);
        return r;
}

static void what_is_written_is_read_and_has_one_form(void **state) {
        struct rules *r = parse(first), *back = NULL;
        uint8_t *a = NULL, *b = NULL;
        size_t na, nb;
        assert_int_equal(rules_write(r, &a, &na), 0);
        assert_int_equal(rules_read(a, na, &back), 0);
        assert_string_equal(back->hash, r->hash);
        assert_int_equal(rules_write(back, &b, &nb), 0);
        assert_int_equal(na, nb);
        assert_memory_equal(a, b, na);
        assert_string_equal(back->roles[0].groups.words[1], "Domain Users");
        assert_int_equal(back->roles[0].hours.n, 2);
        assert_int_equal(back->roles[0].hours.spans[1].from, 22 * 60);
        assert_int_equal(back->roles[0].grace_mode, GRACE_RENEWED);
        assert_int_equal(back->roles[0].walk_away, WALK_AWAY_NOTHING);
        assert_int_equal(back->roles[0].approves, 1U << APPROVE_TICKET | 1U << APPROVE_RECOVER);
        assert_true(back->tickets);
        assert_false(back->roles[0].tickets);
        assert_string_equal(back->roles[0].key_models.words[0], "cb69481e8ff7403993ec0a2729a154a8");
        assert_int_equal(back->services[1].sign_in, FACTOR_KEY | FACTOR_VERIFY);
        assert_true(back->roles[0].key_attested);
        assert_true(back->roles[0].elevate_max_usec == UINT64_C(2) * 3600 * 1000000);
        assert_int_equal(back->recovery, RECOVERY_STRICT);
        assert_string_equal(back->exceptions[0].owner, "lead");
        assert_true(back->exceptions[0].until_usec == r->exceptions[0].until_usec);
        assert_string_equal(back->exceptions[0].services.words[0], "lightdm");
        assert_string_equal(back->checks[0].unit, "disk.service");
        assert_int_equal(back->checks[0].then, CHECK_NO_GRACE);
        assert_true(back->break_glass.present);
        assert_int_equal(back->break_glass.minutes, 45);
        assert_string_equal(back->break_glass.groups.words[1], "Domain Users");
        assert_string_equal(back->break_glass.tags.words[0], "ward3");
        assert_string_equal(break_glass_reason(back, 1), "no key");
        assert_int_equal(back->break_glass.reviewers, REVIEWER_CLINICAL | REVIEWER_SECURITY);
        assert_string_equal(back->break_glass.accounts.words[0], "emergency1");
        assert_int_equal(back->break_glass.badge, BREAK_GLASS_FRESH);
        assert_int_equal(back->break_glass.uses, 3);
        assert_int_equal(back->other_seats, OTHER_SEATS_REFUSE);
        assert_string_equal(back->station, "");
        assert_true(back->station_from_host);
        free(a);
        free(b);
        rules_free(back);
        rules_free(r);
}

static void seal(uint8_t *p, size_t n) {
        assert_int_equal(EVP_Digest(p, n - 32, p + n - 32, NULL, EVP_sha256(), NULL), 1);
}

/* The hash of these rules was the same in every release with version 5 of the format. When this fails, the
 * format has changed: give it a new version and read the old ones too. */
static void the_form_of_version_5_does_not_change(void **state) {
        struct rules *r = parse(first);
        assert_string_equal(r->hash, "a9c2c0d4790efc87ff6cfcf827bfd3fb96b3017ce362629ed0859923e66f2ff8");
        rules_free(r);
}

/* The bytes of a seed of the fuzzer, which are without their hash. */
static size_t read_seed(const char *name, uint8_t *p, size_t size) {
        char seed[256];
        (void) snprintf(seed, sizeof(seed), SOURCE_ROOT "/tests/fuzz/corpus/fuzz_snapshot/%s", name);
        FILE *f = fopen(seed, "re");
        assert_non_null(f);
        size_t n = fread(p, 1, size - 32, f) + 32;
        (void) fclose(f);
        seal(p, n);
        return n;
}

/* A station is not to lose its rules with an update. This one was written by version 2, of the rules above
 * without Approves=, when their hash was this. */
static void what_version_2_wrote_is_still_read(void **state) {
        uint8_t p[1024];
        struct rules *r = NULL;
        size_t n = read_seed("version-2-role", p, sizeof(p));
        assert_int_equal(rules_read(p, n, &r), 0);
        assert_string_equal(r->hash, "f5c979ec5fec8f17247c6c03b0fa07c5d7049bb9ebe4137fa0ac49b61ddf7010");
        assert_int_equal(r->roles[0].walk_away, WALK_AWAY_NOTHING);
        assert_int_equal(r->roles[0].approves, 0);
        assert_true(r->roles[0].elevate_max_usec == UINT64_C(8) * 3600 * 1000000);
        assert_int_equal(r->recovery, RECOVERY_ROOT);
        assert_int_equal(r->n_exceptions + r->n_checks, 0);
        assert_string_equal(r->roles[0].key_models.words[0], "cb69481e8ff7403993ec0a2729a154a8");
        rules_free(r);
}

/* The same, without WalkAway= too. */
static void what_version_1_wrote_is_still_read(void **state) {
        uint8_t p[1024];
        struct rules *r = NULL;
        size_t n = read_seed("version-1", p, sizeof(p));
        assert_int_equal(rules_read(p, n, &r), 0);
        assert_string_equal(r->hash, "86f9047b428b3c4f3151c74beb1b168082a9c5f74f4ef691baeef48010d19910");
        assert_int_equal(r->roles[0].walk_away, WALK_AWAY_LOCK);
        assert_int_equal(r->roles[0].tap_out, TAP_OUT_LOCK);
        assert_true(r->roles[0].session_cap_usec == UINT64_C(14) * 3600 * 1000000);
        assert_string_equal(r->roles[0].key_models.words[0], "cb69481e8ff7403993ec0a2729a154a8");
        rules_free(r);
        p[9] = 0; /* there is no version before it */
        seal(p, n);
        assert_int_equal(rules_read(p, n, &r), -EBADMSG);
}

/* The same with Approves= and what came with it: nobody asks for codes after an update until the rules say
 * so. */
static void what_version_3_wrote_is_still_read(void **state) {
        uint8_t p[1024];
        struct rules *r = NULL;
        size_t n = read_seed("version-3", p, sizeof(p));
        assert_int_equal(rules_read(p, n, &r), 0);
        assert_string_equal(r->hash, "f31408fcc25d63d817c12a07e5459cf53f6107fd08db68c34b47baf70ef4fb8b");
        assert_int_equal(r->roles[0].approves, 1U << APPROVE_TICKET | 1U << APPROVE_RECOVER);
        assert_false(r->tickets);
        assert_true(r->roles[0].tickets);
        assert_true(r->roles[0].elevate_max_usec == UINT64_C(8) * 3600 * 1000000);
        assert_int_equal(r->recovery, RECOVERY_ROOT);
        assert_false(r->break_glass.present);
        rules_free(r);
}

/* The same with everything but OtherSeats=. */
static void what_version_4_wrote_is_still_read(void **state) {
        uint8_t p[1024];
        struct rules *r = NULL;
        size_t n = read_seed("version-4", p, sizeof(p));
        assert_int_equal(rules_read(p, n, &r), 0);
        assert_string_equal(r->hash, "6abe01c8f8ad114fcfcb0d64fa00bc846f1a448db4b2ef63e1454de7914fa854");
        assert_int_equal(r->other_seats, OTHER_SEATS_KEEP);
        assert_int_equal(r->break_glass.minutes, 45);
        assert_true(r->tickets);
        rules_free(r);
}

static void rules_as_large_as_they_may_be_fit(void **state) {
        size_t size = 4 * 1024 * 1024, at = 0, n;
        char *text = malloc(size);
        struct rules *r = NULL, *back = NULL;
        struct rules_errors e;
        uint8_t *p = NULL;
        at += (size_t) snprintf(text, size, "[Site]\nRelyingParty=a.org\n");
        for (int role = 0; role < 128; role++) {
                at += (size_t) snprintf(text + at, size - at, "[Role r%d]\nGroups=", role);
                for (int g = 0; g < 60; g++)
                        at += (size_t) snprintf(text + at, size - at, "r%d-%060d%s", role, g,
                                                g < 59 ? "\\\n" : "\n");
        }
        assert_int_equal(rules_parse_text("t", text, at, &r, &e), 0);
        assert_int_equal(rules_write(r, &p, &n), 0);
        assert_true(n > 128 * 60 * 64);
        assert_int_equal(rules_read(p, n, &back), 0);
        assert_string_equal(r->hash, back->hash);
        assert_int_equal(back->roles[127].groups.n, 60);
        free(p);
        free(text);
        rules_free(r);
        rules_free(back);
}

static void any_changed_byte_and_any_cut_is_noticed(void **state) {
        struct rules *r = parse(first), *back = NULL;
        uint8_t *p = NULL;
        size_t n;
        assert_int_equal(rules_write(r, &p, &n), 0);
        for (size_t i = 0; i < n; i++) {
                p[i] ^= 1;
                assert_int_equal(rules_read(p, n, &back), -EBADMSG);
                p[i] ^= 1;
                assert_int_equal(rules_read(p, i, &back), -EBADMSG);
        }
        assert_null(back);
        assert_int_equal(rules_read(p, n, &back), 0);
        rules_free(back);
        rules_free(r);
        free(p);
}

/* Whoever can make a good hash can still not make values that rules cannot have. */
static void a_good_hash_does_not_excuse_the_content(void **state) {
        struct rules *r = parse(first), *back = NULL;
        uint8_t *p = NULL;
        size_t n, refused = 0, read = 0;
        assert_int_equal(rules_write(r, &p, &n), 0);
        for (size_t i = 0; i < n - 32; i++)
                for (unsigned bit = 0; bit < 8; bit++) {
                        p[i] ^= (uint8_t) (1U << bit);
                        seal(p, n);
                        int e = rules_read(p, n, &back);
                        p[i] ^= (uint8_t) (1U << bit);
                        if (e == 0) {
                                uint8_t *again = NULL;
                                size_t n_again;
                                read++;
                                assert_int_equal(rules_write(back, &again, &n_again), 0);
                                assert_int_equal(n_again, n);
                                free(again);
                                back = rules_free(back);
                        } else {
                                refused++;
                                assert_int_equal(e, -EBADMSG);
                                assert_null(back);
                        }
                }
        assert_true(refused > 500 && read > 100); /* a changed letter of a name is a name */
        p[9] = 6;                                 /* a newer version */
        seal(p, n);
        assert_int_equal(rules_read(p, n, &back), -EBADMSG);
        free(p);
        rules_free(r);
}

/* --- on disk, as root */

static char dir[64], path[96];

static int make_dir(void **state) {
        (void) snprintf(dir, sizeof(dir), "/tmp/wardtap-snap-XXXXXX");
        (void) snprintf(path, sizeof(path), "/tmp/wardtap-snap-XXXXXX/current");
        if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
                return -1;
        memcpy(path, dir, strlen(dir));
        return chdir(dir);
}

static int drop_dir(void **state) {
        char command[128];
        (void) umount2(dir, MNT_DETACH);
        (void) snprintf(command, sizeof(command), "rm -rf -- '%s'", dir);
        return chdir("/") < 0 || system(command) != 0;
}

static const char *skipped;

static bool need_root(void) {
        if (geteuid() == 0)
                return true;
        skipped = "only root can own files as root does";
        skip();
        return false;
}

static size_t slurp(const char *file, char *buf, size_t size) {
        int fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                fail_msg("%s: %s", file, strerror(errno));
        ssize_t n = read(fd, buf, size - 1);
        assert_true(n >= 0);
        buf[n] = 0;
        (void) close(fd);
        return (size_t) n;
}

static void apply(const struct rules *r, const char *reason) {
        int e = rules_apply(r, dir, 123, "sysadmin", reason, NOW);
        if (e < 0)
                fail_msg("apply: %s", strerror(-e));
}

static void assert_in_force(const struct rules *r) {
        struct rules *back = NULL;
        assert_int_equal(rules_load(path, &back), 0);
        assert_string_equal(back->hash, r->hash);
        rules_free(back);
}

static void assert_file(const char *file, mode_t mode, gid_t gid) {
        struct stat st;
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 07777, mode);
        assert_int_equal(st.st_uid, 0);
        assert_int_equal(st.st_gid, gid);
}

static void an_apply_leaves_snapshot_services_archive_and_log(void **state) {
        if (!need_root())
                return;
        char buf[4096], want[512], name[128];
        (void) umask(077);
        struct rules *r = parse(first), *next = parse(second), *none = NULL;
        assert_int_equal(rules_load(path, &none), -ENOENT);
        apply(r, "Ward 3 begins");
        assert_in_force(r);
        assert_file("current", 0640, 123);
        assert_file("services", 0644, 0);
        assert_file("archive", 0700, 0); /* 0750 under this umask */
        (void) slurp("services", buf, sizeof(buf));
        assert_string_equal(buf, "lightdm\nsudo\n");
        (void) snprintf(name, sizeof(name), "archive/%s.info", r->hash);
        (void) slurp(name, buf, sizeof(buf));
        assert_string_equal(buf, "time=2026-11-20T09:21:42Z\nauthor=sysadmin\nreason=Ward 3 begins\n");
        assert_file(name, 0440, 0);

        apply(next, "");
        assert_in_force(next);
        (void) slurp("services", buf, sizeof(buf));
        assert_string_equal(buf, "login\n");
        apply(r, "Ward 3 again");
        assert_in_force(r);
        (void) snprintf(name, sizeof(name), "archive/%s.info", r->hash);
        (void) slurp(name, buf, sizeof(buf));
        assert_non_null(strstr(buf, "reason=Ward 3 begins\n"));
        (void) slurp("archive/log", buf, sizeof(buf));
        (void) snprintf(want, sizeof(want),
                        "2026-11-20T09:21:42Z\tapplied\t%s\tsysadmin\tWard 3 begins\n"
                        "2026-11-20T09:21:42Z\tapplied\t%s\tsysadmin\t\n"
                        "2026-11-20T09:21:42Z\tapplied\t%s\tsysadmin\tWard 3 again\n",
                        r->hash, next->hash, r->hash);
        assert_string_equal(buf, want);
        (void) snprintf(name, sizeof(name), "archive/%s", next->hash);
        struct rules *old = NULL;
        assert_int_equal(rules_load(name, &old), 0);
        assert_string_equal(old->hash, next->hash);
        rules_free(old);
        rules_free(r);
        rules_free(next);
        assert_int_equal(access("current.new", F_OK) & access("services.new", F_OK), -1);
}

static void a_station_without_a_name_is_called_as_its_host(void **state) {
        if (!need_root())
                return;
        char host[80] = "";
        struct rules *r = parse(first), *back = NULL;
        assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
        apply(r, "");
        assert_int_equal(rules_load(path, &back), 0);
        assert_string_equal(back->station, host);
        assert_string_equal(back->hash, r->hash);
        apply(back, ""); /* and is so in no snapshot */
        assert_in_force(r);
        rules_free(back);
        rules_free(r);
}

static void a_snapshot_that_others_could_have_written_is_not_read(void **state) {
        if (!need_root())
                return;
        struct rules *r = parse(second), *back = NULL;
        apply(r, "");
        assert_int_equal(chmod("current", 0660), 0);
        assert_int_equal(rules_load(path, &back), -EPERM);
        assert_int_equal(chmod("current", 0640) | chown("current", 1, 123), 0);
        assert_int_equal(rules_load(path, &back), -EPERM);
        assert_int_equal(chown("current", 0, 123) | rename("current", "elsewhere"), 0);
        assert_int_equal(symlink("elsewhere", "current"), 0);
        assert_int_equal(rules_load(path, &back), -ELOOP);
        assert_int_equal(unlink("current") | mkfifo("current", 0640), 0);
        assert_int_equal(rules_load(path, &back), -EBADMSG);
        assert_int_equal(chmod(dir, 0775), 0);
        assert_int_equal(rules_apply(r, dir, 0, "a", "b", NOW), -EPERM);
        assert_null(back);
        rules_free(r);
}

static void an_exception_without_an_end_in_sight_is_not_applied(void **state) {
        if (!need_root())
                return;
        struct rules *r = parse(first);
        r->exceptions[0].until_usec = NOW + RULES_EXCEPTION_MAX_USEC;
        assert_int_equal(rules_apply(r, dir, 0, "a", "b", NOW - 1), -ERANGE);
        assert_int_equal(access("current", F_OK), -1);
        assert_int_equal(rules_apply(r, dir, 0, "a", "b", NOW), 0);
        rules_free(r);
}

static void only_clean_words_go_into_the_archive(void **state) {
        if (!need_root())
                return;
        struct rules *r = parse(second);
        assert_int_equal(rules_apply(r, dir, 0, "", "reason", NOW), -EINVAL);
        assert_int_equal(rules_apply(r, dir, 0, "a\tb", "reason", NOW), -EINVAL);
        assert_int_equal(rules_apply(r, dir, 0, "a", "line\nline", NOW), -EINVAL);
        assert_int_equal(access("current", F_OK), -1);
        rules_free(r);
}

static void two_applies_at_once_are_refused(void **state) {
        if (!need_root())
                return;
        struct rules *r = parse(first), *next = parse(second);
        apply(r, "");
        int fd = open("lock", O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
        assert_int_equal(rules_apply(next, dir, 0, "a", "b", NOW), -EBUSY);
        assert_in_force(r);
        (void) close(fd);
        assert_int_equal(rules_apply(next, dir, 0, "a", "b", NOW), 0);
        assert_in_force(next);
        rules_free(r);
        rules_free(next);
}

/* Many at once: each wins or is told that it is not its turn, and what is in force is always whole. */
static void racing_applies_never_leave_half_a_snapshot(void **state) {
        if (!need_root())
                return;
        struct rules *r[] = {parse(first), parse(second)};
        apply(r[0], "");
        pid_t children[4];
        for (size_t c = 0; c < ELEMENTSOF(children); c++)
                if ((children[c] = fork()) == 0) {
                        int good = 1;
                        for (int i = 0; i < 25; i++) {
                                struct rules *back = NULL;
                                int e = rules_apply(r[c % 2], dir, 0, "a", "b", NOW);
                                good &= e == 0 || e == -EBUSY;
                                good &= rules_load(path, &back) == 0;
                                rules_free(back);
                        }
                        _exit(good ? 0 : 1);
                }
        for (size_t c = 0; c < ELEMENTSOF(children); c++) {
                int status = -1;
                assert_int_equal(waitpid(children[c], &status, 0), children[c]);
                assert_int_equal(status, 0);
        }
        char buf[64];
        struct rules *back = NULL;
        assert_int_equal(rules_load(path, &back), 0);
        (void) slurp("services", buf, sizeof(buf));
        assert_string_equal(buf, strcmp(back->hash, r[0]->hash) == 0 ? "lightdm\nsudo\n" : "login\n");
        rules_free(back);
        rules_free(r[0]);
        rules_free(r[1]);
}

/* The module must know it when nobody answers. */
static void that_only_badges_let_in_stands_beside_the_services(void **state) {
        if (!need_root())
                return;
        char buf[256];
        struct rules *r = parse("[Site]\nRelyingParty=wardtap.example.org\n[Station]\nFallback=deny\n"
                                "[Role nurse]\nGroups=nurses\n[Service login]\nUse=sign-in\n");
        apply(r, "");
        (void) slurp("services", buf, sizeof(buf));
        assert_string_equal(buf, "login\nFallback=deny\n");
        rules_free(r);
}

/* Every place where an apply can meet something it cannot use: the old rules stay, services included. */
static void whatever_fails_the_last_good_rules_stay(void **state) {
        if (!need_root())
                return;
        struct rules *r = parse(first), *next = parse(second);
        char buf[256], name[128];
        apply(r, "");
        (void) snprintf(name, sizeof(name), "archive/%s", next->hash);
        const char *const in_the_way[] = {"current.new", "services.new", name};
        for (size_t i = 0; i < ELEMENTSOF(in_the_way); i++) {
                char inside[160];
                (void) snprintf(inside, sizeof(inside), "%s/x", in_the_way[i]);
                (void) unlink(in_the_way[i]);
                assert_int_equal(mkdir(in_the_way[i], 0700) | mkdir(inside, 0700), 0);
                assert_true(rules_apply(next, dir, 0, "a", "b", NOW) < 0);
                assert_in_force(r);
                (void) slurp("services", buf, sizeof(buf));
                assert_string_equal(buf, "lightdm\nsudo\n");
                assert_int_equal(rmdir(inside) | rmdir(in_the_way[i]), 0);
        }
        /* The second of the two renames fails: the first is taken back. */
        assert_int_equal(rename("current", "saved") | mkdir("current", 0755), 0);
        assert_true(rules_apply(next, dir, 0, "a", "b", NOW) < 0);
        (void) slurp("services", buf, sizeof(buf));
        assert_string_equal(buf, "lightdm\nsudo\n");
        assert_int_equal(rmdir("current") | rename("saved", "current"), 0);
        assert_in_force(r);
        char log[2048];
        (void) slurp("archive/log", log, sizeof(log));
        assert_non_null(strstr(log, "\tfailed\t"));
        rules_free(r);
        rules_free(next);
}

static void a_full_or_read_only_disk_changes_nothing(void **state) {
        if (!need_root())
                return;
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=755") < 0) {
                skipped = "no file system can be mounted here";
                skip();
        }
        struct rules *r = parse(first), *next = parse(second);
        assert_int_equal(chdir(dir), 0);
        apply(r, "");
        assert_int_equal(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, "size=64k"), 0);
        assert_int_equal(rules_apply(next, dir, 0, "a", "b", NOW), -EROFS);
        assert_in_force(r);
        assert_int_equal(mount(NULL, dir, NULL, MS_REMOUNT, "size=64k"), 0);
        int fd = open("filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        char zero[4096] = "";
        assert_true(fd >= 0);
        while (write(fd, zero, sizeof(zero)) > 0)
                ;
        (void) close(fd);
        assert_int_equal(rules_apply(next, dir, 0, "a", "b", NOW), -ENOSPC);
        assert_in_force(r);
        assert_int_equal(unlink("filler"), 0);
        apply(next, "");
        assert_in_force(next);
        rules_free(r);
        rules_free(next);
        assert_int_equal(chdir("/"), 0);
}

/* A killed apply leaves its half-made files; the next one is not kept by them, nor by its lock. */
static void a_killed_apply_is_in_nobodys_way(void **state) {
        if (!need_root())
                return;
        struct rules *r = parse(first), *next = parse(second);
        apply(r, "");
        int fd = open("current.new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, "half", 4), 4);
        (void) close(fd);
        assert_int_equal(symlink("/etc/passwd", "services.new"), 0);
        apply(next, "");
        assert_in_force(next);
        rules_free(r);
        rules_free(next);
}

int main(void) {
        (void) setenv("TZ", "UTC", 1); /* Until= is a local time */
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_written_is_read_and_has_one_form),
                cmocka_unit_test(the_form_of_version_5_does_not_change),
                cmocka_unit_test(what_version_1_wrote_is_still_read),
                cmocka_unit_test(what_version_3_wrote_is_still_read),
                cmocka_unit_test(what_version_4_wrote_is_still_read),
                cmocka_unit_test(what_version_2_wrote_is_still_read),
                cmocka_unit_test(rules_as_large_as_they_may_be_fit),
                cmocka_unit_test(any_changed_byte_and_any_cut_is_noticed),
                cmocka_unit_test(a_good_hash_does_not_excuse_the_content),
                cmocka_unit_test_setup_teardown(that_only_badges_let_in_stands_beside_the_services, make_dir,
                                                drop_dir),
                cmocka_unit_test_setup_teardown(an_apply_leaves_snapshot_services_archive_and_log, make_dir,
                                                drop_dir),
                cmocka_unit_test_setup_teardown(a_station_without_a_name_is_called_as_its_host, make_dir,
                                                drop_dir),
                cmocka_unit_test_setup_teardown(a_snapshot_that_others_could_have_written_is_not_read,
                                                make_dir, drop_dir),
                cmocka_unit_test_setup_teardown(an_exception_without_an_end_in_sight_is_not_applied,
                                                make_dir, drop_dir),
                cmocka_unit_test_setup_teardown(only_clean_words_go_into_the_archive, make_dir, drop_dir),
                cmocka_unit_test_setup_teardown(two_applies_at_once_are_refused, make_dir, drop_dir),
                cmocka_unit_test_setup_teardown(racing_applies_never_leave_half_a_snapshot, make_dir,
                                                drop_dir),
                cmocka_unit_test_setup_teardown(whatever_fails_the_last_good_rules_stay, make_dir, drop_dir),
                cmocka_unit_test_setup_teardown(a_full_or_read_only_disk_changes_nothing, make_dir,
                                                drop_dir),
                cmocka_unit_test_setup_teardown(a_killed_apply_is_in_nobodys_way, make_dir, drop_dir),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        if (failed == 0 && skipped)
                print_message("%s\n", skipped);
        return failed == 0 && skipped ? 77 : failed;
}
