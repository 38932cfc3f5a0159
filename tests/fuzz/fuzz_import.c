/* SPDX-License-Identifier: Apache-2.0 */
/* Files of people, CSV and JSON: whatever stands in one, people have clean names and badges have numbers of
 * a length that badges have; and what CSV writes, it reads. */
#include "cli/csv.h"
#include "cli/import_file.h"
#include "common/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct import *im) {
        for (size_t i = 0; i < im->n_people; i++)
                if (!im->people[i].user[0] || !text_is_clean(im->people[i].user, 64) ||
                    !im->people[i].full_name[0] || !text_is_clean(im->people[i].full_name, 128))
                        abort();
        for (size_t i = 0; i < im->n_badges; i++)
                if (im->badges[i].number.n < 4 || im->badges[i].number.n > BADGE_NUMBER_MAX ||
                    im->badges[i].person >= im->n_people)
                        abort();
}

static void read_again(const struct csv_record *r) {
        static struct csv_record again;
        _cleanup_(freep) char *text = NULL;
        const char *problem;
        size_t n = 0;
        struct csv c;
        FILE *f = open_memstream(&text, &n);
        if (!f)
                return;
        for (size_t i = 0; i < r->n; i++) {
                if (i > 0)
                        (void) fputc(',', f);
                csv_print(f, r->fields[i]);
        }
        (void) fclose(f);
        c = (struct csv){.left = {(const uint8_t *) text, n}, .line = 1};
        if (csv_next(&c, &again, &problem) != 1) {
                if (n == 0 || strspn(text, "\r\n") == n)
                        return; /* one empty field is an empty line */
                abort();
        }
        for (size_t i = 0; i < r->n; i++)
                if (again.n != r->n || strcmp(r->fields[i], again.fields[i]) != 0)
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct csv_record r;
        _cleanup_(import_freep) struct import *im = import_new();
        const char *problem;
        struct csv c;
        int e;
        if (size < 1 || !im)
                return 0;
        const struct bytes text = {data + 1, size - 1};
        e = data[0] & 1 ? import_read_json(im, text, 1795166502000000)
                        : import_read_csv(im, text, 1795166502000000);
        if (e == 0)
                e = import_find_twins(im);
        if (e == 0)
                check(im);
        csv_begin(&c, text);
        while ((e = csv_next(&c, &r, &problem)) != 0)
                if (e > 0)
                        read_again(&r);
        return 0;
}
