/* SPDX-License-Identifier: Apache-2.0 */
/* Review lists that were signed off, each a file of root's: who stated what, and the list itself. */
#include "cli/review.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/file.h"
#include "cli/output.h"
#include "common/bytes.h"

#define KEPT_MAX (128U << 20) /* bytes of a file: a list of half a million people */
#define DEPTH_MAX 8

static void path_of(const char *file, char ret[320]) {
        (void) snprintf(ret, 320, "%s/%s", PATH_REVIEWS, file);
}

/* "20261120T081500Z-HASH.json", so that the order of names is that of time. */
static int kept_path(const struct review_kept *k, char ret[320]) {
        char name[128], when[32];
        time_t t = (time_t) (k->attested_usec / 1000000U);
        struct tm tm;
        if (!gmtime_r(&t, &tm) || strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm) == 0)
                return -ERANGE;
        (void) snprintf(name, sizeof(name), "%s-%s.json", when, k->hash);
        path_of(name, ret);
        return 0;
}

void review_forget(const struct review_kept *k) {
        char path[320];
        if (kept_path(k, path) >= 0)
                (void) unlink(path);
}

int review_keep(const struct review_kept *k, const char *list) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        _cleanup_(freep) char *text = NULL;
        const struct stat like = {.st_mode = 0600};
        char path[320];
        int r = kept_path(k, path);
        if (r < 0)
                return r;
        if (mkdir(PATH_REVIEWS, 0700) < 0 && errno != EEXIST)
                return -errno;
        if (access(path, F_OK) == 0)
                return -EEXIST;
        json_set_u64(o, "attested_usec", k->attested_usec);
        json_set_string(o, "requestor", k->requestor);
        json_set_string(o, "statement", k->statement);
        json_set_string(o, "hash", k->hash);
        json_set_u64(o, "findings", k->findings);
        const char *head =
                json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        /* The list goes in as it was hashed, to the byte. */
        int n = head ? asprintf(&text, "%.*s,\"list\":%s}\n", (int) strlen(head) - 1, head, list) : -1;
        return n < 0 ? -ENOMEM : file_replace(path, text, (size_t) n, &like);
}

static int take_text(struct json_object *o, const char *key, char *to, size_t size) {
        struct json_object *v;
        if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string))
                return -EBADMSG;
        const char *text = json_object_get_string(v);
        if (strlen(text) != (size_t) json_object_get_string_len(v) || !text_is_clean(text, size - 1))
                return -EBADMSG;
        return text_copy(to, size, text) < 0 ? -EBADMSG : 0;
}

static int take_number(struct json_object *o, const char *key, uint64_t *ret) {
        struct json_object *v;
        if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_int) ||
            json_object_get_int64(v) < 0)
                return -EBADMSG;
        *ret = (uint64_t) json_object_get_int64(v);
        return 0;
}

static bool is_intact(struct json_object *list, const char *wanted) {
        uint8_t hash[EVP_MAX_MD_SIZE];
        char hex[REVIEW_HASH_SIZE];
        const char *text = json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN |
                                                                        JSON_C_TO_STRING_NOSLASHESCAPE);
        if (!text || EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) != 1)
                return false;
        hex_encode(hash, 32, hex);
        return strcmp(hex, wanted) == 0;
}

static int read_object(struct json_object *o, struct review_kept *ret) {
        struct review_kept k = {0};
        struct json_object *list;
        int r;
        if (!json_object_is_type(o, json_type_object) || json_object_object_length(o) != 6 ||
            !json_object_object_get_ex(o, "list", &list) || !json_object_is_type(list, json_type_object))
                return -EBADMSG;
        if ((r = take_number(o, "attested_usec", &k.attested_usec)) < 0 ||
            (r = take_text(o, "requestor", k.requestor, sizeof(k.requestor))) < 0 ||
            (r = take_text(o, "statement", k.statement, sizeof(k.statement))) < 0 ||
            (r = take_text(o, "hash", k.hash, sizeof(k.hash))) < 0 ||
            (r = take_number(o, "findings", &k.findings)) < 0)
                return r;
        k.intact = is_intact(list, k.hash);
        *ret = k;
        return 0;
}

int review_read_kept(const char *text, size_t n, struct review_kept *ret) {
        _cleanup_(json_putp) struct json_object *o = NULL;
        if (n == 0 || n > KEPT_MAX || text[n - 1] != '\n' || memchr(text, 0, n))
                return -EBADMSG;
        struct json_tokener *t = json_tokener_new_ex(DEPTH_MAX);
        if (!t)
                return -ENOMEM;
        json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        o = json_tokener_parse_ex(t, text, (int) n - 1);
        bool whole =
                json_tokener_get_error(t) == json_tokener_success && json_tokener_get_parse_end(t) == n - 1;
        json_tokener_free(t);
        return whole && o ? read_object(o, ret) : -EBADMSG;
}

static int read_file(const char *path, struct review_kept *ret) {
        struct stat st;
        _cleanup_(freep) char *text = NULL;
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) || st.st_size > (off_t) KEPT_MAX)
                return -EPERM;
        size_t size = (size_t) st.st_size, n = 0;
        text = malloc(size + 1);
        while (text && n < size) {
                ssize_t got = read(fd, text + n, size - n);
                if (got <= 0)
                        return got < 0 ? -errno : -EBADMSG;
                n += (size_t) got;
        }
        return text ? review_read_kept(text, n, ret) : -ENOMEM;
}

static int is_list(const struct dirent *e) {
        size_t n = strlen(e->d_name);
        return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

int review_each_kept(int (*f)(const char *file, const struct review_kept *kept, void *data), void *data) {
        struct dirent **list = NULL;
        int n = scandir(PATH_REVIEWS, &list, is_list, alphasort), r = n < 0 ? -errno : 0;
        for (int i = 0; i < n; i++) {
                struct review_kept kept;
                char path[320];
                path_of(list[i]->d_name, path);
                if (r >= 0)
                        r = f(list[i]->d_name, read_file(path, &kept) < 0 ? NULL : &kept, data);
                free(list[i]);
        }
        free(list);
        return r;
}
