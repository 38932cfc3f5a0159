/* SPDX-License-Identifier: Apache-2.0 */
/* One record's hash, from the file in which wardtapd wrote it first. */
#include "cli/audit_head.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/util.h"
#include "helper/audit_file.h"

#define FILE_SIZE_MAX (256U << 20)

/* Frames follow each other; what is none ends the search, as does the end. */
static int find(struct bytes file, const uint8_t epoch[16], uint64_t seq, uint8_t ret[AUDIT_HASH_SIZE]) {
        struct audit_header h;
        int r = audit_header_read(file, &h);
        if (r < 0)
                return r;
        if (memcmp(h.epoch, epoch, sizeof(h.epoch)) != 0)
                return -ENOENT;
        for (size_t at = AUDIT_HEADER_SIZE; at < file.n;) {
                _cleanup_(audit_frame_clear) struct audit_frame f = {.record.event = RECORD_EVENT_INVALID};
                r = audit_frame_read((struct bytes){file.p + at, file.n - at}, epoch, h.first, &f);
                if (r < 0)
                        return r == -ENOMEM ? r : -ENOENT;
                if (f.seq == seq) {
                        memcpy(ret, f.hash, AUDIT_HASH_SIZE);
                        return 0;
                }
                at += f.size;
        }
        return -ENOENT;
}

int audit_head_find(const char *path, const char *epoch, uint64_t seq, uint8_t ret[AUDIT_HASH_SIZE]) {
        uint8_t id[16];
        size_t n;
        struct stat st;
        if (hex_decode(epoch, id, sizeof(id), &n) < 0 || n != sizeof(id))
                return -ENOENT;
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size < (off_t) AUDIT_HEADER_SIZE ||
            st.st_size > (off_t) FILE_SIZE_MAX)
                return -EBADMSG;
        n = (size_t) st.st_size;
        void *m = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (m == MAP_FAILED)
                return -errno;
        int r = find((struct bytes){m, n}, id, seq, ret);
        (void) munmap(m, n);
        return r;
}
