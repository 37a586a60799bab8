// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

/**
 * One thing that a clone of this JVM would repeat, and how it is renewed.
 *
 * <p>{@link #prepare} is called once, before all else; when it throws, nothing else is ever called, for nothing has been
 * changed. The rest is called by one thread at a time.
 */
public interface Mend {
    /** What it is called in options and reports. */
    String name();

    /** What would be repeated, for people. */
    String what();

    /** On which JDKs there is such a thing: "17 and later" if not said otherwise. */
    default String jdks() {
        return "17 and later";
    }

    /** What is looked for before anything is done, for people. */
    String expects();

    /** How it is known to have worked, for people. */
    String verifies();

    /**
     * Looks whether this JDK has what is expected. Changes nothing.
     *
     * @throws Unsuitable when it has not
     */
    void prepare(Jdk jdk) throws Unsuitable;

    /**
     * Takes effect, before the first change; what happens then is up to each. Does nothing unless said otherwise.
     *
     * @throws Exception when it cannot: it is left out then
     */
    default void install() throws Exception {}

    /**
     * Renews, because the generation has changed, and verifies.
     *
     * @return how many things; 0 when there is nothing yet that could be repeated
     * @throws Exception when it did not work: the generation is then not acknowledged
     */
    int renew() throws Exception;

    /** Takes back what {@link #install} did. What has been renewed stays so. */
    default void remove() {}
}
