/* SPDX-License-Identifier: Apache-2.0 */
/* This station: its rules snapshot is followed by stat, never by polling. */
#include "helper/station.h"

#include "policy/tags.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <systemd/sd-id128.h>

#define TAGS_SIZE 257U /* as the record's field, with its terminator */

/* Makes the machine id one that only we use (systemd-id128 new): the real one is a secret of the host. */
#define STATION_APP SD_ID128_MAKE(5b, 83, 9c, 1f, 6a, 0d, 4c, 52, 9f, 7e, 21, d4, b3, 6c, 88, e0)

struct station {
        struct station_config config;
        struct rules *rules;
        struct timespec modified;
        dev_t device;
        ino_t inode;
        off_t size;
        char host[65], id[33], tags[TAGS_SIZE];
};

int station_new(const struct station_config *c, struct station **ret) {
        _cleanup_(station_freep) struct station *s = calloc(1, sizeof(*s));
        sd_id128_t id;
        if (!s)
                return -ENOMEM;
        s->config = *c;
        if (sd_id128_get_machine_app_specific(STATION_APP, &id) >= 0)
                (void) sd_id128_to_string(id, s->id);
        if (gethostname(s->host, sizeof(s->host) - 1) < 0 || !s->host[0])
                memcpy(s->host, "station", sizeof("station"));
        (void) station_refresh(s);
        *ret = TAKE_PTR(s);
        return 0;
}

struct station *station_free(struct station *s) {
        if (!s)
                return NULL;
        (void) rules_free(s->rules);
        free(s);
        return NULL;
}

static bool same_file(const struct station *s, const struct stat *st) {
        return s->device == st->st_dev && s->inode == st->st_ino && s->size == st->st_size &&
               s->modified.tv_sec == st->st_mtim.tv_sec && s->modified.tv_nsec == st->st_mtim.tv_nsec;
}

static bool refresh_rules(struct station *s) {
        struct stat st = {0};
        struct rules *loaded = NULL;
        if (stat(s->config.snapshot, &st) < 0)
                st = (struct stat){0};
        if (same_file(s, &st))
                return false;
        s->device = st.st_dev;
        s->inode = st.st_ino;
        s->size = st.st_size;
        s->modified = st.st_mtim;
        if (st.st_ino != 0 && rules_load(s->config.snapshot, &loaded) < 0)
                loaded = NULL; /* attempts refuse it too: the records say that no rules are in force */
        s->rules = rules_free(s->rules);
        s->rules = loaded;
        return true;
}

static int compare_words(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Sorted, each once, as many as fit. */
static void join_tags(struct words *t, char out[static TAGS_SIZE]) {
        size_t at = 0;
        qsort(t->words, t->n, sizeof(*t->words), compare_words);
        for (size_t i = 0; i < t->n; i++) {
                size_t len = strlen(t->words[i]);
                if (i > 0 && strcmp(t->words[i - 1], t->words[i]) == 0)
                        continue;
                if (at + (at > 0) + len >= TAGS_SIZE)
                        break;
                if (at > 0)
                        out[at++] = ' ';
                memcpy(out + at, t->words[i], len);
                at += len;
        }
        out[at] = 0;
}

static bool refresh_tags(struct station *s) {
        struct tags t;
        char tags[TAGS_SIZE];
        tags_collect(s->rules ? &s->rules->tags : NULL, s->config.tags_dir, &t);
        join_tags(&t.words, tags);
        if (strcmp(tags, s->tags) == 0)
                return false;
        memcpy(s->tags, tags, sizeof(tags));
        return true;
}

bool station_refresh(struct station *s) {
        bool rules = refresh_rules(s), tags = refresh_tags(s);
        return rules || tags;
}

const char *station_name(const struct station *s) {
        return s->rules && s->rules->station && *s->rules->station ? s->rules->station : s->host;
}

const char *station_id(const struct station *s) {
        return s->id;
}

const char *station_tags(const struct station *s) {
        return s->tags;
}

const char *station_policy(const struct station *s) {
        return s->rules ? s->rules->hash : "";
}

const struct rules *station_rules(struct station *s) {
        (void) station_refresh(s);
        return s->rules;
}

const struct rule_place *station_place(struct station *s) {
        const struct rule_place *p = NULL;
        struct tags t;
        (void) station_refresh(s);
        tags_collect(s->rules ? &s->rules->tags : NULL, s->config.tags_dir, &t);
        if (s->rules)
                p = rules_find_place(s->rules, &t.words);
        return p ? p : rules_default_place();
}

enum switch_engine station_switch_engine(struct station *s) {
        (void) station_refresh(s);
        return s->rules ? s->rules->switch_engine : SWITCH_AUTO;
}

enum fallback_use station_fallback(struct station *s) {
        (void) station_refresh(s);
        return s->rules ? s->rules->fallback : FALLBACK_RECORD;
}

unsigned station_max_sessions(struct station *s) {
        (void) station_refresh(s);
        return s->rules ? s->rules->max_sessions : 0;
}

bool station_clock_is_synchronised(void) {
        struct timex t = {0};
        int state = adjtimex(&t);
        return state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
}

static int set_unless_empty(struct record *r, enum record_field f, const char *value) {
        return record_set(r, f, *value ? value : NULL);
}

int station_fill(struct station *s, struct record *r, uint64_t realtime_usec) {
        int e;
        (void) station_refresh(s);
        if ((e = set_unless_empty(r, RECORD_FIELD_STATION, station_name(s))) < 0 ||
            (e = set_unless_empty(r, RECORD_FIELD_STATION_ID, s->id)) < 0 ||
            (e = set_unless_empty(r, RECORD_FIELD_TAGS, s->tags)) < 0 ||
            (e = record_set(r, RECORD_FIELD_CLOCK_SYNC, station_clock_is_synchronised() ? "yes" : "no")) < 0)
                return e;
        return record_set_u64(r, RECORD_FIELD_TIME_USEC, realtime_usec);
}
