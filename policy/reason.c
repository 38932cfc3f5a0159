/* SPDX-License-Identifier: Apache-2.0 */
/* The words for each reason: its name in records, what the screen says, what the help desk reads. */
#include "policy/reason.h"

#include <stddef.h>
#include <string.h>

#define OTHER_WAY "Sign in another way."

static const struct {
        const char *name, *screen, *explain;
} reasons[REASON_MAX] = {
        [REASON_NONE] = {"none", "You are signed in.", "The sign-in was allowed. There is nothing to do."},
        [REASON_CANCELLED] =
                {"cancelled", "Stopped. Tap your badge to start again.",
                 "The program that had asked for the sign-in ended it, or the person closed its window. "
                 "There is nothing to do."},
        [REASON_SERVICE_NOT_NAMED] =
                {"service-not-named", "Badges are not used here. " OTHER_WAY,
                 "The rules have no section for this service, so Wardtap stood aside. Add a "
                 "Service section and apply the rules if badges are wanted here."},
        [REASON_REMOTE] =
                {"remote", "Badges do not work from far away. " OTHER_WAY,
                 "The sign-in came from another computer, where no badge can be tapped, so Wardtap stood "
                 "aside. There is nothing to do."},
        [REASON_NOT_ENROLLED] =
                {"not-enrolled", "This name has no badge here. " OTHER_WAY,
                 "Nobody is enrolled under the name that the program gave, so Wardtap stood aside. "
                 "Enrol the person if badges are wanted."},
        [REASON_NO_READER] =
                {"no-reader", "No badge reader found. " OTHER_WAY,
                 "No badge reader is connected to this station, or the card service does not run. Check "
                 "the reader's cable, then the pcscd service."},
        [REASON_NO_RULES] =
                {"no-rules", "Badges are not set up here yet. " OTHER_WAY,
                 "No rules were ever applied on this station, or those in force cannot be read. Check them "
                 "and run: wardtap policy apply."},
        [REASON_TAPS_GONE] =
                {"taps-gone", "Badges do not work just now. " OTHER_WAY,
                 "The service that watches the badge reader does not answer. Look at the state and the log "
                 "of wardtapd.service, and start it again."},
        [REASON_DEVICES_GONE] =
                {"devices-gone", "Badges and keys do not work just now. " OTHER_WAY,
                 "The service that speaks with badges and keys does not answer. Look at the state and "
                 "the log of wardtap-device.service, and start it again."},
        [REASON_BUSY] =
                {"busy", "Too many sign-ins at once. Wait a moment and try again.",
                 "One user or program had more sign-ins open at the same time than it may have. If it "
                 "happens again, find the program that asks so often."},
        [REASON_SCREEN_GONE] = {"screen-gone",
                                "This screen is no longer in use. Tap your badge at the one you see.",
                                "The greeter for which this sign-in waited has ended, and its display "
                                "manager left it waiting. "
                                "There is nothing to do."},
        [REASON_NO_TAPS] =
                {"no-taps", "Badges are not read here. " OTHER_WAY,
                 "A program inside an open session asked for a badge. Taps go to greeters and login prompts "
                 "alone, so that no program takes a tap that was meant for them, and Wardtap stood aside."},
        [REASON_UNKNOWN_BADGE] =
                {"unknown-badge", "This badge is not known here. Ask the help desk to add it.",
                 "Nobody holds this badge on this station. Enrol it for its owner, or ask where the "
                 "badge comes from."},
        [REASON_BADGE_RANDOM] =
                {"badge-random", "This card cannot be used as a badge. Use your staff badge.",
                 "The card shows another number at each tap, as phones, bank cards and passports do, so "
                 "it cannot name anybody. Give the person a badge with a fixed number."},
        [REASON_BADGE_NO_NUMBER] =
                {"badge-no-number", "This card cannot be used as a badge. Use your staff badge.",
                 "The card gave no number of a length that badges have. Give the person a badge of a "
                 "supported kind."},
        [REASON_BADGE_TOO_QUICK] =
                {"badge-too-quick", "That was too quick. Hold your badge still for a moment.",
                 "The badge left the reader before its number was read. Nothing is wrong with it if a "
                 "longer tap works."},
        [REASON_BADGE_UNREADABLE] =
                {"badge-unreadable", "Your badge could not be read. Hold it flat on the reader.",
                 "The badge is on the reader and does not answer properly. Try again with one card "
                 "alone and without its cover; if it fails at other stations too, replace the "
                 "badge."},
        [REASON_BADGE_ENDED] =
                {"badge-ended", "This badge is blocked. Ask the help desk for a new one.",
                 "This badge was enrolled and has been ended, for example as lost. If it is in its "
                 "owner's hand, enrol it again; if somebody else holds it, take it from them."},
        [REASON_BADGE_OF_ANOTHER] =
                {"badge-of-another", "This is not your badge. Use your own badge.",
                 "The sign-in was for one person, and the badge belongs to another. Look whether two "
                 "people have exchanged their badges."},
        [REASON_BADGE_ASIDE] = {"badge-aside", "You have a temporary badge. Use that one, or give it back.",
                                "While a person has a temporary badge, the own one opens nothing. It comes "
                                "back by itself when "
                                "that time is over, or at once with: wardtap badge return TOKEN."},
        [REASON_BADGE_LEND_OVER] =
                {"badge-lend-over", "This temporary badge has run out. Use your own, or ask the help desk.",
                 "The badge was lent for some hours, and they are over; or the station's clock is not to be "
                 "believed. Lend one anew: wardtap badge lend."},
        [REASON_PERSON_SUSPENDED] =
                {"person-suspended", "Your access is suspended. Ask the help desk.",
                 "The person is suspended. Whoever suspended the access must give it back."},
        [REASON_PERSON_ENDED] =
                {"person-ended", "Your access has ended. Ask the help desk.",
                 "The person was ended in the enrolment. Enrol the person anew if this is wrong."},
        [REASON_PERSON_NOT_YET] =
                {"person-not-yet", "Your access has not begun yet. Ask the help desk.",
                 "The day on which this person's access begins is still to come. Look whether the "
                 "date is right, and the station's clock too."},
        [REASON_PERSON_EXPIRED] =
                {"person-expired", "Your access has run out. Ask the help desk.",
                 "The last day of this person's access is over. Look whether the date is right, and "
                 "the station's clock too."},
        [REASON_NO_ACCOUNT] =
                {"no-account", "You have no account at this station. Ask the help desk.",
                 "The person is enrolled, and the system does not know the account. Look whether the "
                 "account exists and whether the directory answers: getent passwd USER."},
        [REASON_NO_ROLE] =
                {"no-role", "You have no role here. Ask the help desk.",
                 "None of the roles in the rules fits this person: the groups of the account are in none of "
                 "them. Add the person to the right group, or change the rules."},
        [REASON_NOT_THIS_STATION] =
                {"not-this-station", "You may not sign in at this station. Ask your ward lead.",
                 "A role fits this person, and it is for other stations. Look at Stations= of the "
                 "role and at the name and the tags of this station."},
        [REASON_NOT_THIS_HOUR] =
                {"not-this-hour", "You may not sign in here at this hour. Ask your ward lead.",
                 "A role fits this person, and its hours do not include now. Look at Hours= of the "
                 "role, and at the station's clock."},
        [REASON_POSTURE] =
                {"posture", "This station is not safe just now. Use another station and tell the help desk.",
                 "A check of the station's state fails (or could not be asked), and the rules let nobody "
                 "sign "
                 "in meanwhile. POSTURE in the record names it: look with systemctl status at the unit that "
                 "the "
                 "rules give it, and mend what it found."},
        [REASON_NOT_OWN] =
                {"not-own", "You can only confirm for yourself. Use your own account.",
                 "A program without special rights asked to sign in somebody else than its own user. "
                 "Ordinary programs do not do that: look which one it was."},
        [REASON_BADGE_ALONE] =
                {"badge-alone", "Your badge is not enough here. Use your key.",
                 "A badge alone never approves anything here; a key is needed. Enrol a key for the "
                 "person if there is none."},
        [REASON_THROTTLED] =
                {"throttled", "Too many failed tries. Wait a few minutes, then try again.",
                 "The person's own key had failed several times in a row, so tries are slowed down for "
                 "some minutes. If it was not the person, ask where key and badge are."},
        [REASON_NO_KEY_ENROLLED] =
                {"no-key-enrolled", "You have no key here yet. Ask the help desk for one.",
                 "The rules want a key for this sign-in, and the person has none that is in use. "
                 "Enrol one: wardtap key enrol."},
        [REASON_KEY_MISSING] =
                {"key-missing", "No key found. Plug in your key, then tap again.",
                 "The rules want a key, and none was plugged in within the time. If one was, look "
                 "whether its light is on and try another socket."},
        [REASON_KEY_NOT_YOURS] =
                {"key-not-yours", "This key is not yours. Plug in your own key.",
                 "A key was there, and it is none of those enrolled for this person. Look whether two "
                 "people have exchanged their keys, or whether the key was reset."},
        [REASON_KEY_NOT_TOUCHED] =
                {"key-not-touched", "Your key was not touched in time. Tap again and touch it.",
                 "The key waited for a touch, and none came. Show the person where its contact is."},
        [REASON_KEY_REMOVED] =
                {"key-removed", "Your key was taken out. Put it back and tap again.",
                 "The key was unplugged during the sign-in. If nobody pulled it, try another socket, "
                 "then another key."},
        [REASON_KEY_REFUSED] =
                {"key-refused", "Your key refused. Tap again, or ask the help desk.",
                 "The key was asked and said no without a better reason. Try once more; if it refuses "
                 "again, look at the key with wardtap key list and enrol it anew."},
        [REASON_KEY_BUSY] =
                {"key-busy", "Your key is in use. Close other windows that want it and tap again.",
                 "Another program on this station holds the key, for example a browser that waits for a "
                 "touch. End that, or unplug the key and plug it in again."},
        [REASON_KEY_UNUSABLE] =
                {"key-unusable", "This key cannot be used here. Ask the help desk.",
                 "The key does not speak FIDO2, or it cannot do what the rules want, such as checking "
                 "a PIN. Give the person a key of a supported model."},
        [REASON_PIN_WRONG] =
                {"pin-wrong", "PIN wrong. Try again.",
                 "The key did not accept the PIN. After three in a row it must be taken out and put back, "
                 "and after eight it is blocked for good."},
        [REASON_PIN_REPLUG] =
                {"pin-replug", "Take your key out, put it back and try again.",
                 "Three wrong PINs in a row: the key accepts no more until it is unplugged and plugged "
                 "in again. Some tries are left after that; the person should be sure of the PIN."},
        [REASON_PIN_BLOCKED] =
                {"pin-blocked", "Your key is blocked. Ask the help desk for a new one.",
                 "Too many wrong PINs: the key is blocked for good. End it, reset it and enrol it anew, "
                 "or give the person another one."},
        [REASON_PIN_NOT_SET] =
                {"pin-not-set", "Your key has no PIN yet. Ask the help desk to set one.",
                 "The rules want the key to check its owner, and it has neither a PIN nor a fingerprint. "
                 "Set a PIN, then enrol the key again."},
        [REASON_PIN_FORMAT] =
                {"pin-format", "A PIN has at least 4 characters. Tap again and retype it.",
                 "What was typed has fewer than 4 characters, or more than 63 bytes, so it was not sent "
                 "to the key. No try was lost."},
        [REASON_PIN_CHANGE] =
                {"pin-change", "Your key needs a new PIN. Ask the help desk to set it.",
                 "The key works only after its PIN was changed, because an administrator asked for that "
                 "or because the PIN is too short now. Change the PIN with the person."},
        [REASON_FINGER_WRONG] =
                {"finger-wrong", "Fingerprint not recognised. Tap again and use another finger.",
                 "The key did not recognise the fingerprint. Dry or wet hands and gloves are common "
                 "causes; more fingers can be enrolled on the key."},
        [REASON_FINGER_BLOCKED] =
                {"finger-blocked", "Your key no longer takes fingerprints. Tap again and use your PIN.",
                 "Too many fingerprints were not recognised, so the key wants its PIN once. After a "
                 "right PIN fingerprints work again."},
        [REASON_KEY_FORGED] =
                {"key-forged", "Your key's answer is not valid. Ask the help desk.",
                 "What came back is no valid answer of an enrolled key to our question. Keep the key, and "
                 "tell security: a broken key is possible, and so is somebody who tries to sign in as "
                 "this person."},
        [REASON_KEY_NO_PRESENCE] =
                {"key-no-presence", "Your key was not touched. Tap again and touch it.",
                 "The key answered without having been touched, which is not enough. If the person "
                 "did touch it, replace the key."},
        [REASON_KEY_NO_VERIFICATION] =
                {"key-no-verification", "Your key did not check your PIN. Ask the help desk.",
                 "The rules want the key to check its owner by PIN or fingerprint, and its answer "
                 "says that it did not. Look whether the key has a PIN; if it has one, replace "
                 "the key."},
        [REASON_KEY_COUNTER] =
                {"key-counter", "This key was stopped for safety. Ask the help desk.",
                 "The key counts its uses, and the count did not go up: a copy of this key may exist. "
                 "End the key, give the person another one, and tell security."},
        [REASON_TICKET_MISTYPED] =
                {"ticket-mistyped", "This code is mistyped. Tap again and retype it.",
                 "What was typed is no code of a ticket: it has twelve letters and digits, and the last one "
                 "checks the others. No try was lost."},
        [REASON_TICKET_WRONG] = {"ticket-wrong",
                                 "This code is not valid. Tap again and retype it, or ask the help desk.",
                                 "No ticket of this station has this code. Ask which station the ticket was "
                                 "issued on; after "
                                 "five wrong codes all tickets pause there for ten minutes."},
        [REASON_TICKET_USED] =
                {"ticket-used", "This code has been used. Ask the help desk for a new one.",
                 "The ticket was used before, and a ticket is good once. If the person did not use it, "
                 "somebody else did: see its record, and tell security."},
        [REASON_TICKET_EXPIRED] = {"ticket-expired",
                                   "This code has run out. Ask the help desk for a new one.",
                                   "The ticket's time is over. Issue a new one: wardtap ticket issue."},
        [REASON_TICKET_REVOKED] =
                {"ticket-revoked", "This code was withdrawn. Ask the help desk.",
                 "The ticket was revoked, or ended by itself after too many wrong codes that began as its "
                 "own does. See: wardtap ticket list --all."},
        [REASON_TICKET_OF_ANOTHER] =
                {"ticket-of-another", "This code is not for you. Use your own code.",
                 "The badge belongs to one person, and the ticket to another. Ask where the person "
                 "got it."},
        [REASON_TICKET_PAUSED] = {"ticket-paused",
                                  "Too many wrong codes here. Wait ten minutes, then try again.",
                                  "Five wrong codes were typed at this station, so that it takes none for "
                                  "ten minutes. Ask who "
                                  "typed them; other stations take codes as before."},
        [REASON_TICKET_NOT_HERE] =
                {"ticket-not-here", "Your role does not allow a code. Ask the help desk.",
                 "The rules have Tickets=no for this person's role, or for the site, or the service is not "
                 "one that signs in. The ticket was not used up."},
        [REASON_TICKET_GONE] =
                {"ticket-gone", "Codes do not work just now. Ask the help desk.",
                 "The program that checks tickets and enrols does not answer, or could not write. Look at "
                 "the state and the log of wardtap-registrar.socket and wardtap-registrar.service."},
        [REASON_BADGE_TAKEN] = {"badge-taken", "This badge belongs to somebody else. Use your own badge.",
                                "While the person enrolled, the badge was found to be somebody else's. "
                                "Nothing was enrolled, "
                                "and the ticket is still good."},
        [REASON_KEY_TAKEN] = {"key-taken", "This key is enrolled already. Tap again and use another key.",
                              "The key that was to be enrolled is somebody's already, maybe the person's "
                              "own. Nothing was "
                              "enrolled, and the ticket is still good."},
        [REASON_KEYS_FULL] =
                {"keys-full", "You have too many keys. Ask the help desk to end one.",
                 "The person has as many keys as there may be. End one that is not used any more: "
                 "wardtap key list, wardtap key end."},
        [REASON_PIN_DIFFERENT] =
                {"pin-different", "The two PINs were not the same. Tap again to start anew.",
                 "The new PIN of a key was typed twice, and not alike, or was too short. Nothing was "
                 "enrolled, and the ticket is still good."},
        [REASON_APPROVER_SAME] = {"approver-same", "Nobody approves anything for oneself. Ask a colleague.",
                                  "The person who was to approve is the one it is about. Somebody else "
                                  "must, whose role may."},
        [REASON_APPROVER_TWICE] = {"approver-twice",
                                   "That takes two different people. Ask a second colleague.",
                                   "The same person was to approve twice. A recovery takes two, each with a "
                                   "key of their own."},
        [REASON_APPROVER_ROLE] = {"approver-role",
                                  "Your role may not approve this. Ask somebody whose role may.",
                                  "The approver's role, here and now, does not have this among what it "
                                  "Approves= in the rules."},
        [REASON_DEVICE_FAILED] =
                {"device-failed", "The badge or key did not answer. Tap again.",
                 "The exchange with the badge or the key broke off. Try again, then another reader "
                 "or socket; the log of wardtap-device.service says more."},
        [REASON_TIMED_OUT] =
                {"timed-out", "That took too long. Tap your badge to start again.",
                 "The sign-in was not completed in the time it has. There is nothing to do, unless it "
                 "happens often at one station."},
        [REASON_NOT_SHOWN] = {"not-shown", "Your session did not open. Tap your badge again.",
                              "The person was let in, and the display manager did not show the session in "
                              "time. Look at the "
                              "log of the display manager (lightdm.service) and of wardtapd.service."},
        [REASON_NO_ANSWER] =
                {"no-answer", "Nothing was typed. Tap your badge to start again.",
                 "The program could not ask the person, or nobody answered. There is nothing to do, "
                 "unless it happens each time with one program."},
        [REASON_STORE] = {"store", "Badges do not work just now. " OTHER_WAY,
                          "The enrolment could not be read, or the sign-in could not be stored: it is "
                          "locked, damaged, "
                          "or the disk is full. Look at the disk, then run: wardtap status."},
        [REASON_RECORD] =
                {"record", "Sign-ins cannot be recorded just now. " OTHER_WAY,
                 "The rules want a record of every sign-in, and it could not be written. Look whether the "
                 "disk is full and whether wardtapd.service runs."},
        [REASON_INTERNAL] = {"internal", "Something went wrong. Tap again, or ask the help desk.",
                             "An error inside Wardtap stopped this sign-in. Look at the log of "
                             "wardtap-authd.service, and report it with the code of this sign-in."},
        [REASON_BADGE_SUSPENDED] =
                {"badge-suspended", "This badge is suspended. Ask the help desk.",
                 "The badge was suspended, for example because it was reported as lost. If it is in its "
                 "owner's hand, lift that with wardtap badge resume, or found, or a new ticket; if not, end or "
                 "replace it."},
        [REASON_KEY_SUSPENDED] =
                {"key-suspended", "Your key is suspended. Ask the help desk.",
                 "The rules want a key, and all that this person has are suspended. If the key is in its "
                 "owner's hand, lift that with wardtap key resume, or found, or a new ticket; if not, replace "
                 "it."},
        [REASON_NOT_LEASED] = {"not-leased", "This account is lent to nobody now. Ask the help desk.",
                               "It is an agency account, and nobody has it now, or the hour until which "
                               "somebody had it is "
                               "over. Lend it with wardtap lease."},
        [REASON_EMERGENCY_OFF] =
                {"emergency-off", "There is no emergency access at this station. Ask a colleague.",
                 "The rules have no BreakGlass section, or it is not for this station or this account. See "
                 "BreakGlass in wardtap.conf(5), and which stations have its tags."},
        [REASON_EMERGENCY_NOT_FRESH] =
                {"emergency-not-fresh", "Emergency access needs a colleague or the kit here.",
                 "The rules want a full sign-in at this station of late before a badge alone opens an "
                 "emergency. The sealed kit and a witness work."},
        [REASON_EMERGENCY_USED_UP] =
                {"emergency-used-up", "Emergency access needs a colleague or the kit now.",
                 "This badge has opened as many emergencies within a day as the rules allow. The sealed kit "
                 "and a witness work. Look at the open items: wardtap emergency list --open."},
        [REASON_EMERGENCY_IN_USE] =
                {"emergency-in-use", "This emergency account is in use. Choose another one.",
                 "Somebody's session is open in this emergency account at this station. End it, or use "
                 "another account of Accounts=."},
        [REASON_EMERGENCY_WITNESS] = {"emergency-witness",
                                      "This badge cannot witness it. Ask another colleague.",
                                      "A witness is somebody else than the person who needs the access, is "
                                      "active, and has a role "
                                      "and a key at this station now."},
        [REASON_OTHER_SEAT] = {"other-seat", "You are signed in at another seat. Sign out there first.",
                               "This person has a session at another seat of the same station, and "
                               "OtherSeats=refuse in the rules allows one only. wardtap status and loginctl "
                               "show where it is."},
        [REASON_ACCOUNT_REFUSED] = {"account-refused", "Your account is closed here. Ask the help desk.",
                                    "The account rules of PAM refuse this person: the account has expired "
                                    "(chage -l USER), or a "
                                    "rule of pam_time or pam_access forbids it now. Wardtap asks by "
                                    "/etc/pam.d/wardtap-switch."},
};

static size_t row_of(enum reason r) {
        return r >= 0 && r < REASON_MAX ? (size_t) r : (size_t) REASON_INTERNAL;
}

const char *reason_name(enum reason r) {
        return reasons[row_of(r)].name;
}

enum reason reason_from_name(const char *name) {
        for (size_t i = 0; i < REASON_MAX; i++)
                if (strcmp(reasons[i].name, name) == 0)
                        return (enum reason) i;
        return REASON_INVALID;
}

const char *reason_screen(enum reason r) {
        return reasons[row_of(r)].screen;
}

const char *reason_explain(enum reason r) {
        return reasons[row_of(r)].explain;
}
