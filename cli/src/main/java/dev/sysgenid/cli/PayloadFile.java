// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * One file to be installed: text of this program, a copy of another file, or a symbolic link.
 *
 * @param text what is in it; null for the others
 * @param source of which it is a copy; null for the others
 * @param link what it links to; null for the others
 * @param executable by everyone
 */
record PayloadFile(
        @Nullable String text,
        @Nullable Path source,
        @Nullable String link,
        boolean executable) {
    private static final int BUFFER = 1 << 16;

    static PayloadFile of(String text, boolean executable) {
        return new PayloadFile(text, null, null, executable);
    }

    static PayloadFile link(String target) {
        return new PayloadFile(null, null, target, false);
    }

    /** What is at a path, whatever it is. */
    static PayloadFile at(Path file) throws IOException {
        return Files.isSymbolicLink(file)
                ? link(Files.readSymbolicLink(file).toString())
                : new PayloadFile(null, file, null, Files.isExecutable(file));
    }

    private InputStream open() throws IOException {
        return source == null
                ? new ByteArrayInputStream((text == null ? "" : text).getBytes(StandardCharsets.UTF_8))
                : Files.newInputStream(source);
    }

    /** Equal for files with the same contents, and for links to the same place. */
    String fingerprint() throws IOException {
        if (link != null) {
            return "link:" + HexFormat.of().formatHex(link.getBytes(StandardCharsets.UTF_8));
        }
        if (source != null && !Files.isRegularFile(source, LinkOption.NOFOLLOW_LINKS)) {
            return "other";
        }
        try (DigestInputStream in = new DigestInputStream(open(), MessageDigest.getInstance("SHA-256"))) {
            byte[] buffer = new byte[BUFFER];
            while (in.read(buffer) >= 0) {
                // The digest sees what is read.
            }
            return HexFormat.of().formatHex(in.getMessageDigest().digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has it", e);
        }
    }

    /** Makes it, at a path where nothing is. */
    void writeTo(Path file) throws IOException {
        if (link != null) {
            Files.createSymbolicLink(file, Path.of(link));
            return;
        }
        try (InputStream in = open()) {
            Files.copy(in, file);
        }
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(executable ? "rwxr-xr-x" : "rw-r--r--"));
    }
}
