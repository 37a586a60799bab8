// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The users and groups of {@code /etc/passwd} and {@code /etc/group}. Accounts of other sources (LDAP, systemd) can be
 * given by number.
 */
final class Accounts {
    private static final long MAX_ID = 0xffff_fffeL;

    private final Path passwd;
    private final Path group;

    /** The accounts of these two files. */
    Accounts(Path passwd, Path group) {
        this.passwd = passwd;
        this.group = group;
    }

    /** Whom a file belongs to; both unsigned. */
    record Owner(int uid, int gid) {}

    /**
     * Reads {@code USER} or {@code USER:GROUP}, names or numbers. Without a group it is the user's login group.
     *
     * @throws IllegalArgumentException with a message for the user
     */
    Owner parse(String text) {
        int colon = text.indexOf(':');
        String user = colon < 0 ? text : text.substring(0, colon);
        List<String> account = entry(passwd, user);
        int uid;
        if (!account.isEmpty()) {
            uid = id(account.get(2));
        } else if (isNumber(user)) {
            uid = id(user);
        } else {
            throw new IllegalArgumentException("no user '" + user + "' in " + passwd);
        }
        if (colon >= 0) {
            return new Owner(uid, parseGroup(text.substring(colon + 1)));
        }
        if (account.isEmpty()) {
            throw new IllegalArgumentException(
                    "no user " + user + " in " + passwd + ": give the group too, as in " + user + ":" + user);
        }
        return new Owner(uid, id(account.get(3)));
    }

    private int parseGroup(String name) {
        List<String> entry = entry(group, name);
        if (!entry.isEmpty()) {
            return id(entry.get(2));
        }
        if (isNumber(name)) {
            return id(name);
        }
        throw new IllegalArgumentException("no group '" + name + "' in " + group);
    }

    /** The fields of the entry with that name, or, when it is a number, that id; empty when there is none. */
    private static List<String> entry(Path file, String nameOrId) {
        // A byte a character: somebody's full name may be in any encoding.
        String wanted = new String(nameOrId.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        try {
            for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
                String[] fields = line.split(":", -1);
                if (fields.length >= 4 && (fields[0].equals(wanted) || fields[2].equals(wanted))) {
                    return List.of(fields);
                }
            }
        } catch (IOException e) {
            return List.of(); // then numbers only
        }
        return List.of();
    }

    private static boolean isNumber(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < '0' || text.charAt(i) > '9') {
                return false;
            }
        }
        return !text.isEmpty();
    }

    private static int id(String number) {
        try {
            long id = Long.parseLong(number);
            if (id >= 0 && id <= MAX_ID) {
                return (int) id;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new IllegalArgumentException("'" + number + "' is not a user or group number");
    }
}
