/* SPDX-License-Identifier: Apache-2.0 */
/* What the store costs a sign-in with 1, 100,000 and 1,000,000 enrolled badges: opening both databases,
 * badge and person, keys, history, commit, one process's view each time. Usage: bench_store FOLDER
 * [BADGES...]. The folder must be empty and the caller's own; about 500 MB are needed for a million. */
#include "common/bytes.h"
#include "policy/store.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define ROUNDS 1000U
#define BATCH 1000U
#define NOW 1795000000000000ULL
#define BADGES_PER_PERSON 10U

static const char KEY_ID[] = "00112233445566aa";

struct paths {
        char people[256], state[256];
};

enum phase {
        PHASE_OPEN,
        PHASE_BADGE,
        PHASE_KEYS,
        PHASE_HISTORY,
        PHASE_COMMIT,
        PHASE_ALL,
        PHASE_USE,
        PHASE_MAX
};
static const char *const phase_names[] = {"open both",         "badge + person", "keys",
                                          "history + counter", "commit",         "all together",
                                          "use of a badge"};

static void must(int r, const char *what) {
        if (r >= 0)
                return;
        fprintf(stderr, "bench_store: %s: %s\n", what, strerror(-r));
        exit(1);
}

static double clock_usec(void) {
        struct timespec t;
        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

/* Spread as a hash is, the same for the same number. */
static void index_of(uint64_t n, uint8_t ret[STORE_INDEX_SIZE]) {
        for (size_t i = 0; i < STORE_INDEX_SIZE; i += 8) {
                n += 0x9e3779b97f4a7c15;
                uint64_t z = n;
                z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
                z = (z ^ z >> 27) * 0x94d049bb133111eb;
                z ^= z >> 31;
                memcpy(ret + i, &z, 8);
        }
}

static int64_t add_person(struct store *s, uint64_t n) {
        struct store_person p = {.state = PERSON_ACTIVE}, holder;
        struct store_key k = {.credential_id_len = 64, .public_key_len = 77, .rp_id = "wardtap.example.org"};
        (void) snprintf(p.user, sizeof(p.user), "nurse%llu", (unsigned long long) n);
        (void) snprintf(p.full_name, sizeof(p.full_name), "Nurse Number %llu", (unsigned long long) n);
        must(store_add_person(s, &p, NOW), "add person");
        k.person = p.id;
        index_of(n ^ 0x5555555555ULL, k.credential_id);
        k.attstmt = k.authdata = k.public_key;
        k.attstmt_len = k.authdata_len = 200;
        must(store_add_key(s, &k, NOW, &holder), "add key");
        return p.id;
}

static void enrol(const struct paths *paths, uint64_t badges) {
        _cleanup_(store_closep) struct store *s = NULL;
        struct store_person holder;
        int64_t person = 0;
        double start = clock_usec();
        must(store_open_people(paths->people, true, (gid_t) -1, &s), "open people.db");
        for (uint64_t i = 0; i < badges; i++) {
                struct store_badge b = {.number_len = 7, .kind = "number"};
                if (i % BATCH == 0)
                        must(store_begin(s), "begin");
                if (i % BADGES_PER_PERSON == 0)
                        person = add_person(s, i / BADGES_PER_PERSON);
                b.person = person;
                index_of(i, b.index);
                hex_encode(b.index, 4, b.token);
                memcpy(b.key_id, KEY_ID, sizeof(KEY_ID));
                must(store_add_badge(s, &b, NOW, &holder), "add badge");
                if (i % BATCH == BATCH - 1 || i == badges - 1)
                        must(store_commit(s), "commit");
        }
        struct stat st;
        must(stat(paths->people, &st), "stat");
        printf("%llu badges: enrolled in %.1f s, people.db %.1f MB\n", (unsigned long long) badges,
               (clock_usec() - start) / 1e6, (double) st.st_size / 1e6);
}

static double lap(double *at) {
        double now = clock_usec(), took = now - *at;
        *at = now;
        return took;
}

/* One sign-in, from the closed files to the commit on disk. */
static void sign_in(const struct paths *paths, uint64_t badge, uint32_t counter, double took[PHASE_MAX]) {
        _cleanup_(store_closep) struct store *people = NULL, *state = NULL;
        static struct store_key keys[STORE_KEYS_MAX];
        uint8_t index[STORE_INDEX_SIZE];
        const char *const ids[] = {KEY_ID};
        const uint8_t *const indexes[] = {index};
        struct store_badge b;
        struct store_person p;
        struct policy_history h;
        uint32_t last;
        size_t n;
        index_of(badge, index);
        double start = clock_usec(), at = start;
        must(store_open_people(paths->people, false, (gid_t) -1, &people), "open people.db");
        must(store_open_state(paths->state, false, &state), "open state.db");
        took[PHASE_OPEN] = lap(&at);
        must(store_find_badge(people, ids, indexes, 1, &b, &p), "find badge");
        took[PHASE_BADGE] = lap(&at);
        must(store_person_keys(people, p.id, keys, &n), "keys");
        took[PHASE_KEYS] = lap(&at);
        must(store_history(state, p.id, &h), "history");
        must(store_counter(state, keys[0].id, &last), "counter");
        took[PHASE_HISTORY] = lap(&at);
        const struct store_sign_in in = {.person = p.id,
                                         .strong = true,
                                         .badge = b.id,
                                         .key = keys[0].id,
                                         .counter = counter,
                                         .clock = {.realtime_usec = NOW, .boot_id = "b"}};
        must(store_commit_sign_in(state, &in), "commit sign-in");
        took[PHASE_COMMIT] = lap(&at);
        took[PHASE_ALL] = at - start;
        /* What a re-entry within grace adds: it finds the use that the full sign-in left. */
        must(store_note_badge(state, b.id, NOW + 1), "note badge");
        took[PHASE_USE] = lap(&at);
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;
        return x < y ? -1 : x > y;
}

static void measure(const struct paths *paths, uint64_t badges) {
        static double took[PHASE_MAX][ROUNDS];
        uint64_t pick = 1;
        for (unsigned i = 0; i < ROUNDS; i++) {
                double one[PHASE_MAX];
                pick = pick * 6364136223846793005ULL + 1442695040888963407ULL;
                sign_in(paths, (pick >> 33) % badges, i + 1, one);
                for (size_t j = 0; j < PHASE_MAX; j++)
                        took[j][i] = one[j];
        }
        for (size_t j = 0; j < PHASE_MAX; j++) {
                qsort(took[j], ROUNDS, sizeof(took[j][0]), compare);
                printf("  %-18s p50 %8.3f ms   p99 %8.3f ms\n", phase_names[j], took[j][ROUNDS / 2] / 1e3,
                       took[j][ROUNDS * 99 / 100] / 1e3);
        }
}

static void run(const char *folder, uint64_t badges) {
        struct paths paths;
        (void) snprintf(paths.people, sizeof(paths.people), "%s/people-%llu.db", folder,
                        (unsigned long long) badges);
        (void) snprintf(paths.state, sizeof(paths.state), "%s/state-%llu.db", folder,
                        (unsigned long long) badges);
        enrol(&paths, badges);
        measure(&paths, badges);
        (void) unlink(paths.people);
        (void) unlink(paths.state);
        char journal[sizeof(paths.state) + 16];
        (void) snprintf(journal, sizeof(journal), "%s-journal", paths.state);
        (void) unlink(journal);
}

int main(int argc, char **argv) {
        static const uint64_t usual[] = {1, 100000, 1000000};
        if (argc < 2) {
                fprintf(stderr, "Usage: bench_store FOLDER [BADGES...]\n");
                return 2;
        }
        for (size_t i = 0; argc == 2 && i < ELEMENTSOF(usual); i++)
                run(argv[1], usual[i]);
        for (int i = 2; i < argc; i++) {
                uint64_t badges;
                must(parse_u64(argv[i], 100000000, &badges), argv[i]);
                if (badges > 0)
                        run(argv[1], badges);
        }
        return 0;
}
