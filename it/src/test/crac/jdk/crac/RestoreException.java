// SPDX-License-Identifier: Apache-2.0
package jdk.crac;

/** It failed; why, the suppressed exceptions say. */
public class RestoreException extends Exception {
    private static final long serialVersionUID = 1;
}
