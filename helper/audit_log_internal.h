/* SPDX-License-Identifier: Apache-2.0 */
/* What audit_log.c, audit_open.c and audit_folder.c share. */
#pragma once

#include "helper/audit_log.h"

/* So many bytes of records go to disk at once: 15 or more records. */
#define AUDIT_GROUP_SIZE 65536U
#define AUDIT_NAME_MAX 32U

struct audit_log {
        struct audit_config config;
        int folder, fd;
        uint8_t epoch[16];
        char epoch_hex[33];
        uint64_t first; /* number of the first record of `log` */
        uint64_t last;  /* of the last one on disk */
        uint8_t hash[AUDIT_HASH_SIZE];
        uint64_t end, reserved; /* offsets in `log` */
        struct audit_position released;
        int read_fd; /* the file put aside that is being read */
        uint64_t read_first;

        /* what the next commit writes */
        uint8_t group[AUDIT_GROUP_SIZE];
        size_t group_n;
        uint64_t group_last;
        uint8_t group_hash[AUDIT_HASH_SIZE];
};

/* audit_folder.c */
void audit_file_name(uint64_t first, char ret[AUDIT_NAME_MAX]);
/* The file put aside, or `log` itself, that follows the one with this first number; 0 for none. */
uint64_t audit_file_after(struct audit_log *log, uint64_t first);
/* The newest file put aside; 0 for none. */
uint64_t audit_file_newest(int folder);
/* Creates a whole, synced file `name` with this header; *ret_fd may be written. */
int audit_create(int folder, const char *name, const struct audit_header *h, int *ret_fd);
/* Puts `log` aside and begins a new one that goes on with the chain; drops files that are not kept. */
int audit_rotate(struct audit_log *log);
int audit_save_released(struct audit_log *log);
int audit_load_released(int folder, uint8_t ret_epoch[16], uint8_t ret_boot[16], struct audit_position *ret);
