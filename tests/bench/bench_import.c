/* SPDX-License-Identifier: Apache-2.0 */
/* What an import costs, and what it costs those who sign in meanwhile. In one run: sign-ins alone (open
 * people.db, find badge and keys, commit to state.db), then sign-ins while another process imports PEOPLE
 * people with a badge each, from the file's text to the commit. Usage: bench_import FOLDER [PEOPLE
 * [BEFORE]]; the folder must be empty and the caller's own; BEFORE people are enrolled already. */
#include "cli/import.h"
#include "common/socket.h"
#include "policy/store.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define ROUNDS_MAX 200000U
#define ALONE_ROUNDS 2000U
#define BEFORE 10000U

static const char KEY_ID[] = "00112233445566aa";
static char people[256], state[256], journal[300];

static void must(int r, const char *what) {
        if (r >= 0)
                return;
        (void) fprintf(stderr, "bench_import: %s: %s\n", what, strerror(-r));
        exit(1);
}

static void index_of(const struct badge_number *n, uint8_t ret[STORE_INDEX_SIZE]) {
        (void) SHA256(n->bytes, n->n, ret);
}

static void number_of(uint64_t i, struct badge_number *ret) {
        ret->n = 7;
        for (unsigned k = 0; k < 7; k++)
                ret->bytes[k] = (uint8_t) (k == 0 ? 4 : i >> (8 * (k - 1)));
}

/* --- The import, as `wardtap import` does it; the indexes are made here instead of by wardtapd */

static char *make_file(uint64_t from, uint64_t n, size_t *ret_n) {
        char *text = NULL;
        FILE *f = open_memstream(&text, ret_n);
        if (!f)
                exit(1);
        (void) fputs("user,full_name,not_after,badge_numbers\r\n", f);
        for (uint64_t i = from; i < from + n; i++) {
                struct badge_number number;
                char hex[32];
                number_of(i, &number);
                hex_encode(number.bytes, number.n, hex);
                (void) fprintf(f, "nurse%" PRIu64 ",\"Number %" PRIu64 ", Nurse\",2035-12-31,%s\r\n", i, i,
                               hex);
        }
        (void) fclose(f);
        return text;
}

static double since(uint64_t usec) {
        return (double) (now_monotonic_usec() - usec) / 1e6;
}

static void import_people(uint64_t from, uint64_t n, bool tell) {
        _cleanup_(store_closep) struct store *s = NULL;
        _cleanup_(import_freep) struct import *im = import_new();
        struct import_keys keys = {.n = 1};
        size_t size = 0;
        char *text = make_file(from, n, &size);
        uint64_t start = now_monotonic_usec();
        memcpy(keys.ids[0], KEY_ID, sizeof(KEY_ID));
        must(im ? import_read_csv(im, (struct bytes){(const uint8_t *) text, size}, now_realtime_usec())
                : -ENOMEM,
             "read");
        must(import_find_twins(im), "twins");
        for (size_t i = 0; i < im->n_badges; i++)
                index_of(&im->badges[i].number, im->badges[i].index[0]);
        double read = since(start);
        must(store_open_people(people, true, (gid_t) -1, &s), "open for writing");
        uint64_t begin = now_monotonic_usec();
        must(store_begin(s), "begin");
        must(import_to_store(s, im, &keys, now_realtime_usec()), "import");
        if (im->n_problems > 0 || im->n_people != n) {
                (void) fprintf(stderr, "bench_import: %zu problems, %zu people\n", im->n_problems,
                               im->n_people);
                exit(1);
        }
        double inserted = since(begin);
        uint64_t commit = now_monotonic_usec();
        must(store_commit(s), "commit");
        if (tell) {
                struct rusage u;
                (void) getrusage(RUSAGE_SELF, &u);
                (void) printf("import of %" PRIu64
                              " people and badges: file read in %.2f s, rows in %.2f s, commit in "
                              "%.3f s; peak memory %.0f MB (the file is %.1f MB)\n",
                              n, read, inserted, since(commit), (double) u.ru_maxrss / 1024,
                              (double) size / 1e6);
        }
        free(text);
}

/* --- Sign-ins beside it */

static double sign_in(uint64_t who) {
        _cleanup_(store_closep) struct store *p = NULL, *st = NULL;
        static struct store_key found_keys[STORE_KEYS_MAX];
        struct badge_number number;
        uint8_t index[STORE_INDEX_SIZE];
        const char *const ids[] = {KEY_ID};
        const uint8_t *const indexes[] = {index};
        struct store_badge b;
        struct store_person person;
        size_t n;
        number_of(who, &number);
        index_of(&number, index);
        uint64_t start = now_monotonic_usec();
        must(store_open_people(people, false, (gid_t) -1, &p), "open people.db");
        must(store_open_state(state, false, &st), "open state.db");
        must(store_find_badge(p, ids, indexes, 1, &b, &person), "find badge");
        must(store_person_keys(p, person.id, found_keys, &n), "keys");
        const struct store_sign_in in = {.person = person.id,
                                         .strong = true,
                                         .badge = b.id,
                                         .clock = {.realtime_usec = now_realtime_usec(), .boot_id = "b"}};
        must(store_commit_sign_in(st, &in), "commit sign-in");
        return (double) (now_monotonic_usec() - start) / 1e3;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;
        return (x > y) - (x < y);
}

static void tell(const char *what, double *took, size_t n) {
        qsort(took, n, sizeof(*took), compare);
        (void) printf("%-24s %6zu sign-ins: median %7.2f ms, p99 %7.2f ms, longest %7.2f ms\n", what, n,
                      took[n / 2], took[n * 99 / 100], took[n - 1]);
}

static size_t sign_in_until(pid_t pid, uint64_t before, double *took) {
        size_t n = 0;
        int status = 0;
        while (n < ROUNDS_MAX && (pid ? waitpid(pid, &status, WNOHANG) == 0 : n < ALONE_ROUNDS)) {
                took[n] = sign_in(n * 7919 % before);
                n++;
        }
        if (pid && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
                exit(1);
        return n;
}

int main(int argc, char **argv) {
        static double took[ROUNDS_MAX];
        uint64_t n = 100000, before = BEFORE;
        if (argc < 2 || argc > 4 || (argc > 2 && parse_u64(argv[2], IMPORT_PEOPLE_MAX, &n) < 0) ||
            (argc > 3 && parse_u64(argv[3], IMPORT_PEOPLE_MAX, &before) < 0) || n == 0 || before == 0) {
                (void) fprintf(stderr, "Usage: bench_import FOLDER [PEOPLE [BEFORE]]\n");
                return 2;
        }
        (void) snprintf(people, sizeof(people), "%s/people.db", argv[1]);
        (void) snprintf(state, sizeof(state), "%s/state.db", argv[1]);
        (void) snprintf(journal, sizeof(journal), "%s-journal", state);
        import_people(0, before, false);
        tell("nothing beside it:", took, sign_in_until(0, before, took));
        (void) fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
                import_people(before, n, true);
                exit(0);
        }
        must(pid < 0 ? -errno : 0, "fork");
        size_t rounds = sign_in_until(pid, before, took);
        tell("beside the import:", took, rounds);
        tell("and after it:", took, sign_in_until(0, before + n, took));
        (void) unlink(people);
        (void) unlink(state);
        (void) unlink(journal);
        return 0;
}
