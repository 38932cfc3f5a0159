/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap import`: a file becomes people and badges, all of it or nothing. */
#include "cli/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "cli/output.h"
#include "common/bytes.h"
#include "common/socket.h"

struct input {
        char *p; /* wiped when it is freed: there are badge numbers in it */
        size_t n, room;
        char hash[65]; /* SHA-256 */
};

static void input_clear(struct input *in) {
        if (in->p)
                explicit_bzero(in->p, in->room);
        free(in->p);
        *in = (struct input){0};
}

int format_take(const struct cli_arguments *args, const char *path, enum file_format *ret) {
        const char *format = args->option[OPTION_FORMAT];
        size_t n = path ? strlen(path) : 0;
        if (!format)
                *ret = n > 5 && strcasecmp(path + n - 5, ".json") == 0 ? FORMAT_JSON : FORMAT_CSV;
        else if (strcmp(format, "csv") == 0)
                *ret = FORMAT_CSV;
        else if (strcmp(format, "json") == 0)
                *ret = FORMAT_JSON;
        else
                return fail(CLI_USAGE, _("--format takes csv or json, not '%s'."), format);
        return CLI_OK;
}

/* --- The file */

static int grow(struct input *in) {
        size_t room = in->room ? in->room * 2 : 65536;
        char *p = malloc(room);
        if (!p)
                return -ENOMEM;
        if (in->p) {
                memcpy(p, in->p, in->n);
                explicit_bzero(in->p, in->room);
        }
        free(in->p);
        in->p = p;
        in->room = room;
        return 0;
}

static int read_all(int fd, struct input *in) {
        for (;;) {
                int r = in->n == in->room ? grow(in) : 0;
                if (r < 0)
                        return r;
                ssize_t n = read(fd, in->p + in->n, in->room - in->n);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                in->n += (size_t) n;
                if (in->n > IMPORT_BYTES_MAX)
                        return -EFBIG;
        }
}

static int hash_input(struct input *in) {
        uint8_t hash[32];
        size_t n = 0;
        if (EVP_Q_digest(NULL, "SHA256", NULL, in->p, in->n, hash, &n) != 1 || n != sizeof(hash))
                return -EIO;
        hex_encode(hash, sizeof(hash), in->hash);
        return 0;
}

static int read_input(const char *path, struct input *ret) {
        _cleanup_(closep) int fd = -1;
        bool is_stdin = strcmp(path, "-") == 0;
        struct stat st;
        if (!is_stdin && (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0)
                return fail(errno == ENOENT ? CLI_NOT_FOUND : CLI_UNREADABLE, _("%s cannot be read (%s)."),
                            path, strerror(errno));
        if (!is_stdin && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
                return fail(CLI_UNREADABLE, _("%s is no file. Use '-' to read from a pipe."), path);
        int r = read_all(is_stdin ? STDIN_FILENO : fd, ret);
        if (r >= 0)
                r = hash_input(ret);
        if (r == -EFBIG)
                return fail(CLI_FAILED, _("%s is larger than %u MB. Import it in parts."), path,
                            IMPORT_BYTES_MAX / (1024U * 1024U));
        return r < 0 ? fail(CLI_UNREADABLE, _("%s cannot be read (%s)."), path, strerror(-r)) : CLI_OK;
}

static int parse(struct import *im, const struct input *in, enum file_format format) {
        const struct bytes text = {(const uint8_t *) in->p, in->n};
        uint64_t now = now_realtime_usec();
        int r = format == FORMAT_JSON ? import_read_json(im, text, now) : import_read_csv(im, text, now);
        if (r >= 0)
                r = import_find_twins(im);
        return r < 0 ? fail(CLI_FAILED, _("There is not enough memory.")) : CLI_OK;
}

/* --- What is wrong */

static int compare_problems(const void *a, const void *b) {
        const struct import_problem *x = a, *y = b;
        return (x->line > y->line) - (x->line < y->line);
}

static void print_problems(const struct import *im, const char *path, size_t n) {
        for (size_t i = 0; i < n; i++) {
                print_clean(stderr, path);
                (void) fprintf(stderr, ":%u: ", im->problems[i].line);
                print_clean(stderr, im->problems[i].text);
                (void) fputc('\n', stderr);
        }
}

static void print_result(const struct import *im, const struct input *in, size_t n, bool imported) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        struct json_object *problems = json_new_array();
        for (size_t i = 0; i < n; i++) {
                struct json_object *p = json_new();
                json_set_u64(p, "line", im->problems[i].line);
                json_set_string(p, "text", im->problems[i].text);
                json_append(problems, p);
        }
        json_set_bool(o, "ok", im->n_problems == 0);
        json_set_bool(o, "imported", imported);
        json_set_u64(o, "people", im->n_people);
        json_set_u64(o, "badges", im->n_badges);
        json_set_string(o, "sha256", in->hash);
        json_set_u64(o, "problem_count", im->n_problems);
        json_set(o, "problems", problems);
        json_print(stdout, o);
}

static int refuse(struct import *im, const char *path, const struct input *in, bool json) {
        size_t n = im->n_problems < IMPORT_PROBLEMS_MAX ? im->n_problems : IMPORT_PROBLEMS_MAX;
        qsort(im->problems, n, sizeof(im->problems[0]), compare_problems);
        print_problems(im, path, n);
        if (json)
                print_result(im, in, n, false);
        if (im->n_problems > n)
                return fail(CLI_FAILED,
                            _("%zu mistakes, of which the last %zu are not shown. Nothing was imported."),
                            im->n_problems, im->n_problems - n);
        return fail(CLI_FAILED, _("Mistakes: %zu. Nothing was imported; mend the file and try again."),
                    im->n_problems);
}

/* --- The store */

static int commit(struct admin *a, const struct import *im, const struct input *in) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        char detail[160];
        int r = admin_record(a, RECORD_IMPORT, NULL, &record);
        if (r != CLI_OK)
                return r;
        (void) snprintf(detail, sizeof(detail), "%zu people, %zu badges, SHA-256 %s", im->n_people,
                        im->n_badges, in->hash);
        if (record_set(&record, RECORD_FIELD_DETAIL, detail) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(a, &record);
}

static int indexes_failed(int error) {
        if (error == -EBADMSG || error == -ETIMEDOUT)
                return fail(CLI_NOT_RUNNING,
                            _("wardtapd did not answer as it should, and nothing was imported. "
                              "See: systemctl status wardtapd"));
        return fail(CLI_NOT_RUNNING, _("wardtapd ended meanwhile, and nothing was imported. Start it with: "
                                       "systemctl start wardtapd"));
}

/* One transaction: what a reader sees is all of it, or nothing. It is undone where there is a mistake, or
 * where a mistake was all that was looked for. */
static int import(struct admin *a, struct import *im, const struct input *in, bool check) {
        struct import_keys keys = {0};
        int r = import_ask_indexes(a->broker, im, &keys);
        if (r < 0)
                return indexes_failed(r);
        if ((r = admin_begin(a)) != CLI_OK)
                return r;
        r = import_to_store(a->store, im, &keys, now_realtime_usec());
        if (r < 0)
                return admin_store_failed(r);
        return check || im->n_problems > 0 ? CLI_OK : commit(a, im, in);
}

static void tell(const struct import *im, const struct input *in, bool check, bool json) {
        if (json)
                print_result(im, in, 0, !check);
        else
                (void) printf(check ? _("No mistakes: %zu people and %zu badges could be imported.\n")
                                    : _("%zu people and %zu badges were imported.\n"),
                              im->n_people, im->n_badges);
}

int command_import(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        _cleanup_(input_clear) struct input in = {0};
        _cleanup_(import_freep) struct import *im = import_new();
        const char *path = cli_word(args, 0);
        bool check = args->option[OPTION_CHECK], json = args->option[OPTION_JSON];
        enum file_format format = FORMAT_CSV;
        int r;
        if (!im)
                return fail(CLI_FAILED, _("There is not enough memory."));
        if ((r = format_take(args, path, &format)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = read_input(path, &in)) != CLI_OK || (r = parse(im, &in, format)) != CLI_OK ||
            (r = import(&a, im, &in, check)) != CLI_OK)
                return r;
        if (im->n_problems > 0)
                return refuse(im, path, &in, json);
        tell(im, &in, check, json);
        return CLI_OK;
}
